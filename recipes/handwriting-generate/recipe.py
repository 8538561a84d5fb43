"""Write a text by hand: where the pen goes next, from where it went and what is to be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from edgernn.errors import InputError
from edgernn.models import HandwritingWriter
from edgernn.pages import save_figure
from edgernn.training.classification import digest
from edgernn.training.options import TrainingOptions, option
from edgernn.training.pen_generation import draw_written
from edgernn.training.pen_letters import write_samples
from edgernn.training.pen_scores import baseline_nats, point_nats, score_points
from edgernn.training.pen_ways import PADDING, Ways, as_words, distinct, padded, symbols_of, units
from edgernn.training.recipe import Metadata, Prepared, Recipe, locate_data
from edgernn.training.splits import split_at_random
from edgernn.training.writings import Writing, read_writings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WRITTEN_PICTURE = "written.png"
# Words of the validation part that the picture shows.
_SHOWN = 12


@dataclass(frozen=True)
class Options(TrainingOptions):
    """Options of the handwriting-generate recipe."""

    test_data: str = option("", "Data that are only scored; without it a share of the data is put aside.")
    validation_data: str = option("", "Data that choose the epoch; without it a share is put aside.")
    test_size: float = option(0.1, "Share of the words put aside for the scores.", above=0, below=1)
    validation_size: float = option(
        0.05, "Share of the rest put aside to choose the epoch.", above=0, below=1
    )
    split_seed: int = option(0, "Seed of what is put aside; apart from the seed of training.", minimum=0)
    label_pattern: str = option("", "Of a folder: expression whose first group in a file's name is the text.")
    writer_pattern: str = option("", "Of a folder: the same for who wrote it.")
    words: tuple[str, ...] = option(
        ("on", "no", "lit", "tile", "noon", "cot", "lion", "tool", "coil", "into", "note", "lone"),
        "Without data: words that this recipe writes with pens of its own.",
    )
    hands: int = option(12, "Without data: pens that write each of them.", minimum=1)
    shortest: int = option(2, "Least symbols of a word; shorter ones are left out.", minimum=1)
    longest: int = option(12, "Most symbols of a word; longer ones are left out.", minimum=1)
    least: int = option(20, "Times that a symbol must be written; words with others are left out.", minimum=1)
    writers: tuple[str, ...] = option((), "Writers whose hands are learned; empty: all.")
    hidden_size: int = option(128, "Units of each of the two recurrent layers.", minimum=1)
    window: int = option(6, "Functions that make up the window on the text.", minimum=1)
    components: int = option(12, "Gaussian densities of the mixture.", minimum=1)
    style_size: int = option(8, "Numbers that stand for a writer.", minimum=1)
    reads: bool = option(True, "Whether the text is read; a network that does not is there to compare with.")
    dropout: float = option(0.1, "Dropout of both layers' outputs.", minimum=0, below=1)
    shear: float = option(0.12, "Spread of what training leans words by, x per y.", minimum=0)
    stretch: float = option(0.08, "Spread of what training makes words wider and higher by.", minimum=0)
    max_epochs: int = option(20, "Most passes over the training part.", minimum=1)
    patience: int = option(20, "Epochs without a better validation loss before training stops.", minimum=1)
    learning_rate: float = option(0.005, "Step size of the optimiser, the schedule's largest.", above=0)
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = option(
        "one-cycle", "How the learning rate changes over training."
    )
    weight_decay: float = option(0.0001, "Weight decay (L2) of the optimiser.", minimum=0)
    threads: int | None = option(1, "CPU threads that training uses; none: torch's choice.", minimum=1)


class HandwritingGenerate(Recipe[Options, Prepared]):
    """Pen strokes of a text."""

    summary = (
        "Write words by hand: learns from pen strokes with texts (InkML, UNIPEN, tables), by each writer."
    )
    options_type = Options
    data_options: ClassVar[tuple[str, ...]] = (
        "test_data", "validation_data", "label_pattern", "writer_pattern", "writers",
    )  # fmt: skip
    data_name = "unipen_mini"

    def prepare(self, options: Options, data: Path | None) -> Prepared:
        """Read and split the words; symbols and writers are those of the training part."""
        return _prepared(options, data, None, None)

    def prepare_like(
        self, options: Options, data: Path | None, known: Metadata, new_labels: bool = False
    ) -> Prepared:
        """As `prepare`, with the symbols of a network that is trained already, and with its writers."""
        return _prepared(options, data, known.vocabulary, None if new_labels else known.labels)

    def build(self, arguments: dict[str, Any]) -> HandwritingWriter:
        """The network: two LSTM layers, a window on the text, a mixture density."""
        return HandwritingWriter(**arguments)

    def initialise(self, model: nn.Module, prepared: Prepared) -> None:
        """Take the size of ways and the writers' pace from the training part."""
        assert isinstance(model, HandwritingWriter)
        assert isinstance(prepared.train, Ways)
        words = prepared.train.words
        ways = torch.cat([word.ways[:, :2] for word in words])
        model.fit_scale(ways, sum(len(word.text) for word in words))

    def loss(self, model: nn.Module, output: Any, target: Tensor) -> Tensor:
        """Nats a point."""
        mixture, pen, _ = output
        way, lift = point_nats(mixture, pen, target)
        return (way + lift).mean()

    def loss_weight(self, model: nn.Module, target: Tensor) -> Tensor:
        """How many points there were."""
        return (target[..., 2] != PADDING).sum()

    def collate(self) -> Callable[[list[Any]], Any]:
        """Words of different lengths."""
        return padded

    def lengths(self, part: Dataset, options: Options) -> Sequence[int]:
        """Points of each word."""
        assert isinstance(part, Ways)
        return [len(word.ways) for word in part.words]

    def score(self, model: nn.Module, prepared: Prepared) -> dict[str, float]:
        """Nats a point on the test part, and those of a mixture that knows neither text nor past.

        Also those of the network itself where it is told the text of another word.
        """
        test, train = prepared.test, prepared.train
        assert isinstance(test, Ways)
        assert isinstance(train, Ways)
        scores = score_points(model, test)
        plain = baseline_nats(train, test)
        misled = score_points(model, test, misled=True)
        return {
            **scores,
            **{f"{name}/one_mixture": value for name, value in plain.items()},
            **{f"{name}/other_text": value for name, value in misled.items()},
        }

    def write_details(self, model: nn.Module, prepared: Prepared, folder: Path) -> None:
        """Write written.png: words as the network writes them."""
        save_figure(self.picture(model, prepared), folder / WRITTEN_PICTURE)

    def picture(self, model: nn.Module, prepared: Prepared) -> Figure:
        """Words of the validation part, as the network writes them, by their writers' hands."""
        assert isinstance(model, HandwritingWriter)
        assert isinstance(prepared.validation, Ways)
        return draw_written(model, prepared.validation, prepared.metadata.labels, _SHOWN)


def _prepared(
    options: Options, data: Path | None, vocabulary: Sequence[str] | None, writers: Sequence[str] | None
) -> Prepared:
    (train, validation, test), source = _read(options, data)
    if vocabulary is None:
        vocabulary = symbols_of([item.label for item in train], options.least)
        if len(vocabulary) < 2:
            raise InputError(
                f"data: of {len(train)} words to learn from, no symbol is written {options.least} times. "
                "Give more words, or lower the option least."
            )
    kept = [
        [item for item in part if set(item.label) <= set(vocabulary[1:])]
        for part in (train, validation, test)
    ]
    if writers is None:
        counts = Counter(item.writer for item in kept[0])
        writers = sorted(counts, key=lambda writer: (-counts[writer], writer))
    strangers = sorted({item.writer for part in kept for item in part} - set(writers))
    if strangers and len(strangers) == len({item.writer for part in kept for item in part}):
        raise InputError(
            f"data: none of its writers ({', '.join(strangers)}) is one whose hand the network learned: "
            f"{', '.join(writers)}. Finetune the network on these data first."
        )
    parts = [[item for item in part if item.writer in writers] for part in kept]
    if not all(parts):
        raise InputError(
            f"data: {len(parts[0])} words are left to learn from, {len(parts[1])} to choose the epoch and "
            f"{len(parts[2])} to score, of {len(train)}, {len(validation)} and {len(test)}: the others hold "
            "symbols or are by writers that are not learned. Give more words, or lower the option least."
        )
    left_out = len(train) + len(validation) + len(test) - sum(map(len, parts))
    scale = units([item for part in parts for item in part])
    words = [as_words(part, scale) for part in parts]
    sets = [
        Ways(
            part, vocabulary, writers, options.longest,
            shear=options.shear * learned, stretch=options.stretch * learned,
        )
        for part, learned in zip(words, (1, 0, 0), strict=True)
    ]  # fmt: skip
    return Prepared(
        train=sets[0],
        validation=sets[1],
        test=sets[2],
        arguments={
            "symbols": len(vocabulary) - 1,
            "writers": len(writers),
            "text_length": options.longest,
            "hidden_size": options.hidden_size,
            "window": options.window,
            "components": options.components,
            "style_size": options.style_size,
            "dropout": options.dropout,
            "reads": options.reads,
        },
        metadata=Metadata(
            task="handwriting-generate",
            features=("x", "y", "lifted"),
            labels=tuple(writers),
            vocabulary=tuple(vocabulary),
        ),
        source=source + (f"; {left_out} left out, for rare symbols or other writers" if left_out else ""),
        fingerprint=digest(
            vocabulary, writers,
            *(word.ways for part in words for word in part), *(word.text for part in words for word in part),
        ),
        example=_example(sets[2], len(vocabulary) - 1, len(writers)),
    )  # fmt: skip


def _read(options: Options, data: Path | None) -> tuple[tuple[list[Writing], ...], str]:
    """The three parts, and which data they are of."""

    def read(path: Path) -> list[Writing]:
        found = read_writings(
            path, label_pattern=options.label_pattern, writer_pattern=options.writer_pattern
        )
        return [item for item in distinct(found) if _wanted(item, options)]

    def aside(
        items: list[Writing], file: str, share: float, what: str
    ) -> tuple[list[Writing], list[Writing]]:
        path = locate_data(file) if file else None
        if path is not None:
            return items, read(path)
        kept, put = split_at_random(len(items), round(share * len(items)), options.split_seed, what)
        return [items[n] for n in kept], [items[n] for n in put]

    if data is None:
        items = write_samples(options.words, options.hands, options.split_seed)
        items = [item for item in items if _wanted(item, options)]
        source = f"{len(items)} words that this recipe writes with pens of its own; name yours with --data"
    else:
        items = read(data)
        source = f"{len(items)} words by {len({item.writer for item in items})} writers in {data}"
    if not items:
        raise InputError(
            f"data: {data or 'what this recipe writes'} holds no word of {options.shortest} to "
            f"{options.longest} symbols{' by ' + ', '.join(options.writers) if options.writers else ''}."
        )
    rest, test = aside(items, options.test_data, options.test_size, "test")
    train, validation = aside(rest, options.validation_data, options.validation_size, "validation")
    return (train, validation, test), source


def _wanted(item: Writing, options: Options) -> bool:
    """Whether a word is as long as is learned, and by a writer whose hand is."""
    fits = options.shortest <= len(item.label) <= options.longest
    return fits and (not options.writers or item.writer in options.writers)


def _example(test: Ways, symbols: int, writers: int) -> tuple[Tensor, ...]:
    """The longest words of the test part, and every number within the ranges that the manifest gives."""
    longest = sorted(range(len(test)), key=lambda n: -len(test.words[n].ways))[:8]
    points, texts, who, target = padded([test[n] for n in (longest * 2)[: max(2, len(longest))]])
    texts[0, -1], texts[1, -1] = 0, symbols
    who[0], who[1] = 0, writers - 1
    # A pen that stands still, as before a word and behind its end, is no example.
    shortest = int((target[..., 2] != PADDING).sum(1).min())
    return points[:, 1:shortest], texts, who


RECIPE = HandwritingGenerate()
