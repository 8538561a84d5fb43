"""Read handwriting from the pen's path: single characters, or texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from edgernn.errors import InputError
from edgernn.models import CharacterReader, TextReader
from edgernn.strokes import COLUMNS, Drawing, point_rows
from edgernn.training.classification import (
    ClassifierData,
    ClassifierOptions,
    ClassifierRecipe,
    Sequences,
    class_numbers,
    class_weights,
    digest,
)
from edgernn.training.metrics.edits import text_error_rates
from edgernn.training.neighbour import nearest_path
from edgernn.training.options import option
from edgernn.training.pen_letters import write_samples
from edgernn.training.pen_pictures import draw_readings
from edgernn.training.pen_variation import PenVariation, varied
from edgernn.training.recipe import Metadata, Prepared, Recipe, locate_data
from edgernn.training.splits import split_at_random, split_labelled
from edgernn.training.transcription import Transcribed, TranscriptionRecipe, text_vocabulary
from edgernn.training.writings import Writing, read_writings, split_writers, writers_fold

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TASK = "handwriting"
# Drawings that the picture shows.
_SHOWN = 24
# Hands that write where there are no data.
_PENS = 40


@dataclass(frozen=True)
class Options(ClassifierOptions, PenVariation):
    """Options of the handwriting recipe."""

    kind: Literal["auto", "characters", "texts"] = option(
        "auto", "characters: each drawing is one of some; texts: letter by letter; auto: as the labels are."
    )
    label_pattern: str = option(
        "", "Of a folder: expression whose first group in a file's name is the label."
    )
    writer_pattern: str = option("", "Of a folder: the same for who wrote it.")
    test_fold: str = option(
        "", "2/5: the test part is what the second of five groups of writers wrote, in place of a share."
    )
    lower: bool = option(False, "Whether texts are learned in small letters.")
    words: tuple[str, ...] = option(
        (), "Without data: words that this recipe writes with pens of its own; empty: digits."
    )
    cell: str = option("lstm", "Recurrent cell: lstm, gru, rnn, or another of edgernn.cells.")
    hidden_size: int = option(96, "Size of a recurrent layer, a direction.", minimum=1)
    num_layers: int = option(2, "Recurrent layers on top of each other.", minimum=1)
    bidirectional: bool = option(True, "Whether a second cell reads backwards; such a network cannot stream.")
    stride: int = option(2, "Points a step of the recurrent layers: 2, 4, …", minimum=2)
    channels: int = option(64, "Output channels of each convolution.", minimum=1)
    max_epochs: int = option(40, "Most passes over the training part.", minimum=1)
    patience: int = option(40, "Epochs without a better validation loss before training stops.", minimum=1)
    learning_rate: float = option(0.004, "Step size of the optimiser, the schedule's largest.", above=0)
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = option(
        "one-cycle", "How the learning rate changes over training."
    )
    weight_decay: float = option(0.01, "Weight decay (L2) of the optimiser.", minimum=0)


class VariedCharacters(Sequences):
    """Drawings as training sees them: by another hand each time."""

    def __init__(self, drawings: Sequence[Drawing], classes: Sequence[int], options: PenVariation) -> None:
        super().__init__([rows_of(drawing) for drawing in drawings], classes)
        self.drawings, self.options = list(drawings), options

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return rows_of(*varied(self.drawings[index], self.options)), self.classes[index]


class VariedTexts(Transcribed):
    """The same, of texts."""

    def __init__(
        self,
        drawings: Sequence[Drawing],
        texts: Sequence[str],
        vocabulary: Sequence[str],
        options: PenVariation,
    ) -> None:
        super().__init__([rows_of(drawing) for drawing in drawings], texts, vocabulary)
        # A line of text has an order, and a joined word drawn backwards is none.
        self.drawings, self.options = list(drawings), replace(options, backwards=0.0, reorder=0.0)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return rows_of(*varied(self.drawings[index], self.options)), self.numbers[index]


class Characters(ClassifierRecipe[Options]):
    """One of some characters for each drawing."""

    def prepare(self, options: Options, data: Path | None) -> ClassifierData:
        """Read and split the drawings."""
        return self.prepare_parts(options, read_parts(options, data), None)

    def prepare_parts(self, options: Options, parts: Parts, known: Sequence[str] | None) -> ClassifierData:
        """The data sets; `known` are the characters of a network that is trained already."""
        labels = tuple(sorted({item.label for item in parts.train})) if known is None else tuple(known)
        if len(labels) < 2:
            raise InputError(f"data: drawings of one label, {labels[0]!r}, alone; nothing to tell apart.")
        sets = [([item.drawing for item in part], _classes(part, labels)) for part in parts.all]
        train, validation, test = (
            VariedCharacters(*sets[0], options),
            *(
                Sequences([rows_of(drawing) for drawing in drawings], numbers)
                for drawings, numbers in sets[1:]
            ),
        )
        return ClassifierData(
            train=train,
            validation=validation,
            test=test,
            arguments={"classes": len(labels), **_arguments(options)},
            metadata=_metadata("probabilities", labels=labels),
            source=parts.told(f"drawings of {len(labels)} characters"),
            fingerprint=_fingerprint(parts),
            example=(_example(test.sequences, options.stride),),
            class_weights=class_weights(train.classes, len(labels), options.class_weights),
        )

    def build(self, arguments: dict[str, Any]) -> CharacterReader:
        """The network: features of the path, a convolution, recurrent layers, a linear head."""
        return CharacterReader(**arguments)

    def picture(self, model: nn.Module, prepared: ClassifierData) -> Figure:
        """Some drawings of the validation part, with what was read."""
        part, labels = _some(prepared.validation), prepared.metadata.labels
        found = self.probabilities(model, Sequences(*part)).argmax(-1).tolist()
        return draw_readings(part[0], [labels[n] for n in part[1]], [labels[n] for n in found])

    def logits(self, model: nn.Module, padded: Tensor, lengths: Tensor) -> Tensor:
        """Scores of the characters, of whole drawings."""
        assert isinstance(model, CharacterReader)
        return model.last(model.logits(padded), lengths)

    def answers(self, model: nn.Module, padded: Tensor, lengths: Tensor) -> Tensor:
        """Probabilities of the characters, of whole drawings."""
        assert isinstance(model, CharacterReader)
        return model.last(model(padded), lengths)

    def baselines(self, prepared: ClassifierData) -> dict[str, Tensor]:
        """The most frequent character, and the nearest drawing by thirty-two points along its path."""
        train, test = prepared.train, prepared.test
        assert isinstance(train, Sequences)
        assert isinstance(test, Sequences)
        nearest = nearest_path(train.sequences, train.classes, test.sequences)
        return {**super().baselines(prepared), "nearest": nearest}


class Texts(TranscriptionRecipe[Options]):
    """A text for each drawing."""

    def prepare(self, options: Options, data: Path | None) -> Prepared:
        """Read and split the drawings, and find the symbols of their texts."""
        return self.prepare_parts(options, read_parts(options, data), None)

    def prepare_parts(self, options: Options, parts: Parts, known: Sequence[str] | None) -> Prepared:
        """The data sets; `known` is the vocabulary of a network that is trained already."""
        texts = [[_text(item, options) for item in part] for part in parts.all]
        vocabulary = text_vocabulary(texts[0]) if known is None else tuple(known)
        drawings = [[item.drawing for item in part] for part in parts.all]
        train, validation, test = (
            VariedTexts(drawings[0], texts[0], vocabulary, options),
            *(
                Transcribed([rows_of(drawing) for drawing in drawings[n]], texts[n], vocabulary)
                for n in (1, 2)
            ),
        )
        return Prepared(
            train=train,
            validation=validation,
            test=test,
            arguments={"symbols": len(vocabulary), **_arguments(options)},
            metadata=_metadata("log-probabilities", vocabulary=vocabulary),
            source=parts.told(f"texts of {len(vocabulary) - 1} different characters"),
            fingerprint=_fingerprint(parts),
            example=(_example(test.sequences, options.stride),),
        )

    def build(self, arguments: dict[str, Any]) -> TextReader:
        """The network: features of the path, a convolution, recurrent layers, a linear head."""
        return TextReader(**arguments)

    def lengths(self, part: Dataset, options: Options) -> Sequence[int] | None:
        """Points of each drawing, so that texts of like length share a batch."""
        assert isinstance(part, Transcribed)
        return [len(rows) for rows in part.sequences] if options.length_buckets else None

    def picture(self, model: nn.Module, prepared: Prepared) -> Figure:
        """Some drawings of the validation part, with what was read."""
        assert isinstance(prepared.validation, Transcribed)
        vocabulary = prepared.metadata.vocabulary
        rows, texts = _some(prepared.validation)
        found = self.transcribe(model, Transcribed(rows, texts, vocabulary), vocabulary)
        return draw_readings(rows, texts, found)

    def steps(self, model: nn.Module, lengths: Tensor) -> Tensor:
        """Of drawings of so many points."""
        assert isinstance(model, TextReader)
        return model.steps(lengths)

    def log_probabilities(self, model: nn.Module, sequences: Tensor, steps: Tensor) -> Tensor:
        """Of drawings that are filled up with zeros."""
        assert isinstance(model, TextReader)
        return model.log_probabilities(sequences, steps)

    def score(self, model: nn.Module, prepared: Prepared) -> dict[str, float]:
        """As of any texts; and of those of the test part which the training part does not hold."""
        scores = super().score(model, prepared)
        train, test = prepared.train, prepared.test
        assert isinstance(train, Transcribed)
        assert isinstance(test, Transcribed)
        known = set(train.texts)
        new = [n for n, text in enumerate(test.texts) if text not in known]
        if new and len(new) < len(test):
            texts = [test.texts[n] for n in new]
            part = Transcribed([test.sequences[n] for n in new], texts, prepared.metadata.vocabulary)
            found = text_error_rates(self.transcribe(model, part, prepared.metadata.vocabulary), texts)
            scores |= {f"{name}_new_texts": value for name, value in found.items()}
        return scores


CHARACTERS, TEXTS = Characters(), Texts()


class Handwriting(Recipe[Options, Prepared]):
    """What was written: characters or texts, as the data are; each is a recipe of its own, above."""

    summary = "Handwriting from the pen's strokes: InkML, tables, UNIPEN, Omniglot; characters or texts."
    options_type = Options
    data_options = (
        *ClassifierRecipe.data_options, "label_pattern", "writer_pattern", "test_fold", "words",
    )  # fmt: skip

    def prepare(self, options: Options, data: Path | None) -> Prepared:
        """Read and split the drawings, and see what they are of."""
        parts = read_parts(options, data)
        kind = CHARACTERS if _are_characters(options, parts.train) else TEXTS
        return kind.prepare_parts(options, parts, None)

    def prepare_like(
        self, options: Options, data: Path | None, known: Metadata, new_labels: bool = False
    ) -> Prepared:
        """As `prepare`, for what a network reads that is trained already."""
        parts = read_parts(options, data)
        if known.labels:
            return CHARACTERS.prepare_parts(options, parts, None if new_labels else known.labels)
        return TEXTS.prepare_parts(options, parts, known.vocabulary)

    def build(self, arguments: dict[str, Any]) -> nn.Module:
        """The network of characters or of texts."""
        return (CHARACTERS if "classes" in arguments else TEXTS).build(arguments)

    def initialise(self, model: nn.Module, prepared: Prepared) -> None:
        """Set the classes' weights, where there are classes."""
        _of(model).initialise(model, prepared)

    def predict(self, model: nn.Module, batch: Any) -> tuple[Any, Any]:
        """Scores of the characters, or log-probabilities of the symbols at each step."""
        return _of(model).predict(model, batch)

    def loss(self, model: nn.Module, output: Any, target: Any) -> Tensor:
        """Cross entropy, or CTC's."""
        return _of(model).loss(model, output, target)

    def loss_weight(self, model: nn.Module, target: Any) -> Tensor | None:
        """The sum of the characters' weights, where they have any."""
        return _of(model).loss_weight(model, target)

    def score(self, model: nn.Module, prepared: Prepared) -> dict[str, float]:
        """Accuracy and the like, or error rates."""
        return _of(model).score(model, prepared)

    def picture(self, model: nn.Module, prepared: Prepared) -> Figure | None:
        """Some drawings of the validation part, with what was read."""
        return _of(model).picture(model, prepared)

    def write_details(self, model: nn.Module, prepared: Prepared, folder: Path) -> None:
        """The confusion matrix and scores by character, or the texts that were read."""
        _of(model).write_details(model, prepared, folder)

    def collate(self) -> Callable[[list[Any]], Any]:
        """As the samples are: a character's number is one, those of a text are a tensor."""
        return _collate

    def collate_training(self, prepared: Prepared) -> Callable[[list[Any]], Any] | None:
        """With labels smoothed, where that is asked for."""
        return _of(prepared).collate_training(prepared)

    def lengths(self, part: Dataset, options: Options) -> Sequence[int] | None:
        """Points of each drawing."""
        return _of(part).lengths(part, options)


@dataclass(frozen=True)
class Parts:
    """The drawings that are learned from, that choose the epoch and that are scored.

    Attributes:
        where: which data these are.
        apart: whether the writers of a part are in no other.
    """

    train: Sequence[Writing]
    validation: Sequence[Writing]
    test: Sequence[Writing]
    where: str
    apart: bool

    @property
    def all(self) -> tuple[Sequence[Writing], ...]:
        """The three."""
        return self.train, self.validation, self.test

    def told(self, what: str) -> str:
        """Which data these are, in one sentence."""
        count = sum(map(len, self.all))
        writers = len({item.writer for part in self.all for item in part} - {""})
        told = f"{count} {what} {self.where}"
        if not writers:
            return f"{told}; who wrote them is not known, so a writer may be in every part"
        unseen = len({item.writer for item in self.test})
        held = f"{unseen} of them in the test part alone" if self.apart else "who may be in every part"
        return f"{told} by {writers} writers, {held}"


def read_parts(options: Options, data: Path | None) -> Parts:
    """Read the drawings and split them: by their writers, where these are known."""

    def read(path: Path) -> list[Writing]:
        return read_writings(
            path, label_pattern=options.label_pattern, writer_pattern=options.writer_pattern,
            encoding=options.encoding,
        )  # fmt: skip

    def other(name: str) -> list[Writing]:
        path = locate_data(name)
        assert path is not None
        return read(path)

    if data is None:
        found = write_samples(options.words or tuple("0123456789"), _PENS, options.split_seed)
        where = "that this recipe writes with pens of its own, for want of yours (name them with --data),"
    else:
        found, where = read(data), f"in {data}"

    def aside(items: list[Writing], name: str, what: str) -> tuple[list[Writing], list[Writing]]:
        share = options.test_size if what == "test" else options.validation_size
        if name:
            return items, other(name)
        if what == "test" and options.test_fold:
            return writers_fold(items, options.test_fold)
        if all(item.writer for item in items):
            return split_writers(items, share, options.split_seed, what)
        if _are_characters(options, items):
            parts = split_labelled([item.label for item in items], share, options.split_seed, what)
        else:
            parts = split_at_random(len(items), round(share * len(items)), options.split_seed, what)
        return [items[n] for n in parts[0]], [items[n] for n in parts[1]]

    rest, test = aside(found, options.test_data, "test")
    train, validation = aside(rest, options.validation_data, "validation")
    writers = [{item.writer for item in part} for part in (train, validation, test)]
    known = all("" not in names for names in writers)
    return Parts(train, validation, test, where, known and not writers[2] & (writers[0] | writers[1]))


def rows_of(drawing: Drawing, unit: float | None = None) -> Tensor:
    """What the network takes of a drawing: (points, 3)."""
    return torch.from_numpy(point_rows(drawing, unit))


def _of(what: nn.Module | Prepared | Dataset) -> Recipe[Options, Any]:
    """The recipe of a network, of data, or of a part of them."""
    return CHARACTERS if isinstance(what, CharacterReader | ClassifierData | Sequences) else TEXTS


def _collate(samples: list[Any]) -> Any:
    return (CHARACTERS if isinstance(samples[0][1], int) else TEXTS).collate()(samples)


def _are_characters(options: Options, items: Sequence[Writing]) -> bool:
    if options.kind != "auto":
        return options.kind == "characters"
    return all(item.named or len(item.label) == 1 for item in items)


def _classes(part: Sequence[Writing], labels: Sequence[str]) -> list[int]:
    return class_numbers([item.label for item in part], labels, [item.where for item in part])


def _text(item: Writing, options: Options) -> str:
    text = " ".join(item.label.split())
    return text.lower() if options.lower else text


def _arguments(options: Options) -> dict[str, Any]:
    return {
        "hidden_size": options.hidden_size,
        "cell": options.cell,
        "num_layers": options.num_layers,
        "bidirectional": options.bidirectional,
        "stride": options.stride,
        "channels": options.channels,
        "dropout": options.dropout,
    }


def _metadata(output: str, labels: tuple[str, ...] = (), vocabulary: tuple[str, ...] = ()) -> Metadata:
    return Metadata(
        task=TASK, input_unit="heights", features=COLUMNS, outputs=(output,), labels=labels,
        vocabulary=vocabulary,
    )  # fmt: skip


def _fingerprint(parts: Parts) -> str:
    everything = [(item.label, rows_of(item.drawing)) for part in parts.all for item in part]
    return digest(*(part for pair in everything for part in pair))


def _some(part: Dataset) -> tuple[list[Any], list[Any]]:
    """Drawings and labels of some samples, spread over a part."""
    drawings = part.sequences  # type: ignore[attr-defined]
    labels = part.classes if isinstance(part, Sequences) else part.texts  # type: ignore[attr-defined]
    chosen = torch.linspace(0, len(drawings) - 1, min(_SHOWN, len(drawings))).long().tolist()
    return [drawings[n] for n in chosen], [labels[n] for n in chosen]


def _example(sequences: Sequence[Tensor], stride: int) -> Tensor:
    """Two drawings of the test part, the shorter one filled up, and of whole steps of the network."""
    rows = nn.utils.rnn.pad_sequence(list(sequences[:2]), batch_first=True)
    return nn.functional.pad(rows, (0, 0, 0, -rows.shape[1] % stride))


RECIPE = Handwriting()
