"""Translate texts: an encoder, attention and a decoder; the best sentence by beam search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.beam import BeamSearch
from edgernn.errors import InputError
from edgernn.features.characters import character_vocabulary
from edgernn.features.subwords import CharacterTokenizer, Subwords, Tokenizer, tokenizer_of
from edgernn.features.symbols import BYTE_VOCABULARY
from edgernn.files import write_table
from edgernn.models import Seq2Seq
from edgernn.training.classification import digest
from edgernn.training.metrics.translation import translation_scores
from edgernn.training.number_words import LIMIT, english, german
from edgernn.training.options import TrainingOptions, option
from edgernn.training.parallel_texts import Pair, parts_in, read_pairs
from edgernn.training.recipe import Metadata, Prepared, Recipe, locate_data
from edgernn.training.sentence_pairs import NOTHING, SentencePairs, TorchDecoder, padded_pairs
from edgernn.training.splits import split_labelled
from edgernn.training.word_for_word import WordForWord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

START, END = "<start>", "<end>"
TRANSLATIONS_FILE = "translations.csv"


@dataclass(frozen=True)
class Options(TrainingOptions):
    """Options of the translate recipe."""

    source: str = option(
        "source", "Column of the texts; of a folder: what their files' names end in, e.g. de."
    )
    target: str = option("target", "The same for their translations, e.g. en.")
    train_data: str = option("train", "Of a folder: what the names of the files to learn from begin with.")
    validation_data: str = option("", "The same for those that choose the epoch; or a table. Else a share.")
    test_data: str = option("", "The same for those that are only scored.")
    test_size: float = option(0.1, "Share of the data put aside for the scores.", above=0, below=1)
    validation_size: float = option(
        0.05, "Share of the rest put aside to choose the epoch.", above=0, below=1
    )
    split_seed: int = option(0, "Seed of what is put aside; apart from the seed of training.", minimum=0)
    encoding: str = option("utf-8", "Encoding of the files.")
    numbers: int = option(4000, "Without data: how many numbers to learn in words.", minimum=20)
    largest: int = option(LIMIT - 1, "Without data: the largest of them.", minimum=20, maximum=LIMIT - 1)
    symbols: Literal["auto", "subwords", "characters", "bytes"] = option(
        "auto", "What is read and written, one a step; auto: sub-words, of numbers characters."
    )
    vocabulary_size: int = option(4000, "Sub-words, those of both languages together.", minimum=300)
    lower: bool = option(False, "Whether texts are learned in small letters.")
    longest: int = option(100, "Most symbols of a text that is learned from, and that is written.", minimum=1)
    cell: str = option("gru", "Recurrent cell: lstm, gru, rnn, or another of edgernn.cells.")
    attention: Literal["bahdanau", "dot"] = option("bahdanau", "How steps of the decoder look at the source.")
    embedding_size: int = option(256, "Numbers that stand for a symbol.", minimum=1)
    hidden_size: int = option(256, "Size of a recurrent layer, a direction.", minimum=1)
    encoder_layers: int = option(1, "Recurrent layers of the encoder.", minimum=1)
    dropout: float = option(0.3, "Dropout between layers.", minimum=0, below=1)
    label_smoothing: float = option(
        0.1, "Share of a target's weight that all symbols share.", minimum=0, below=1
    )
    scheduled_sampling: float = option(
        0.0, "Share of the decoder's inputs that are its own, at the end of training.", minimum=0, maximum=1
    )
    beam: int = option(5, "Sentences that are followed side by side for the scores.", minimum=1)
    length_penalty: float = option(
        1.0, "How far longer sentences are preferred; see edgernn.beam.", minimum=0
    )
    max_epochs: int = option(12, "Most passes over the training part.", minimum=1)
    patience: int = option(12, "Epochs without a better validation loss before training stops.", minimum=1)
    batch_size: int = option(64, "Sentences a training step.", minimum=1)
    learning_rate: float = option(0.003, "Step size of the optimiser, the schedule's largest.", above=0)
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = option(
        "one-cycle", "How the learning rate changes over training."
    )
    threads: int | None = option(1, "CPU threads that training uses; none: torch's choice.", minimum=1)


@dataclass(frozen=True)
class TranslationData(Prepared):
    """The pairs, and what scoring needs beside them.

    Attributes:
        pairs: texts and translations of the training, validation and test part.
        search: how sentences are written.
    """

    pairs: tuple[tuple[Pair, ...], ...]
    search: BeamSearch[Any]


class Translate(Recipe[Options, TranslationData]):
    """The translation of a text."""

    summary = "Translate: your pairs of texts in, an encoder and a decoder with attention out."
    options_type = Options
    several_graphs = True
    data_options: ClassVar[tuple[str, ...]] = (
        "source", "target", "train_data", "validation_data", "test_data", "encoding",
    )  # fmt: skip

    def prepare(self, options: Options, data: Path | None) -> TranslationData:
        """Read and split the pairs, and learn the sub-words of the training part."""
        parts = _read(options, data)
        train = [text for pair in parts[0] for text in (pair.source, pair.target)]
        symbols = options.symbols
        if symbols == "auto":
            symbols = "characters" if data is None else "subwords"
        if symbols == "subwords":
            subwords = Subwords.learn(train, options.vocabulary_size)
            return _prepared(options, data, parts, subwords, subwords.to_text())
        vocabulary = BYTE_VOCABULARY if symbols == "bytes" else character_vocabulary(train)
        return _prepared(options, data, parts, CharacterTokenizer(vocabulary), "")

    def prepare_like(
        self, options: Options, data: Path | None, known: Metadata, new_labels: bool = False
    ) -> TranslationData:
        """As `prepare`, with the symbols of a network that is trained already."""
        tokenizer = tokenizer_of(known.vocabulary[:-2], known.tokenizer)
        return _prepared(options, data, _read(options, data), tokenizer, known.tokenizer)

    def build(self, arguments: dict[str, Any]) -> Seq2Seq:
        """The network: encoder, attention, decoder."""
        return Seq2Seq(**arguments)

    def start_epoch(self, model: nn.Module, options: Options, epoch: int) -> None:
        """The decoder reads more and more of its own symbols (scheduled sampling)."""
        assert isinstance(model, Seq2Seq)
        # From none in the first epoch on, linearly.
        model.sampled_share = options.scheduled_sampling * epoch / max(1, options.max_epochs - 1)

    def predict(self, model: nn.Module, batch: Sequence[Any]) -> tuple[Tensor, Any]:
        """Scores of the next symbols, and (those, share of the weight that all share)."""
        assert isinstance(model, Seq2Seq)
        source, lengths, target, following, smoothing = batch
        inside = following != NOTHING
        scores = model.learn(source, lengths, target, inside)
        return scores, (following[inside], smoothing if model.training else 0.0)

    def loss(self, model: nn.Module, output: Tensor, target: Any) -> Tensor:
        """Cross entropy with label smoothing (Szegedy et al. 2016), nats a symbol."""
        following, smoothing = target
        return F.cross_entropy(output, following, label_smoothing=smoothing)

    def loss_weight(self, model: nn.Module, target: Any) -> Tensor:
        """How many symbols there were."""
        following: Tensor = target[0]
        return following.new_tensor(len(following))

    def collate(self) -> Callable[[list[Any]], Any]:
        """See `padded_pairs`."""
        return padded_pairs

    def lengths(self, part: Any, options: Options) -> Sequence[int]:
        """Symbols of each target: most of the work is there."""
        assert isinstance(part, SentencePairs)
        return [len(target) for target in part.targets]

    def translate(self, model: nn.Module, prepared: TranslationData, texts: Sequence[str]) -> list[str]:
        """Translations of texts, each by itself, as an app writes them."""
        assert isinstance(model, Seq2Seq)
        tokenizer = tokenizer_of(prepared.metadata.vocabulary[:-2], prepared.metadata.tokenizer)
        found = []
        for text in texts:
            decoder = TorchDecoder(model, tokenizer.encode(text))
            best = prepared.search.search(decoder.start(), decoder.advance)[0]
            found.append(tokenizer.decode(best.symbols))
        return found

    def score(self, model: nn.Module, prepared: TranslationData) -> dict[str, float]:
        """BLEU and chrF on the test part; those of the texts as they are, and of a dictionary."""
        train, _, test = prepared.pairs
        references = [pair.target for pair in test]
        dictionary = WordForWord(train)
        written = {
            "": self.translate(model, prepared, [pair.source for pair in test]),
            "/copy": [pair.source for pair in test],
            "/word_for_word": [dictionary.translate(pair.source) for pair in test],
        }
        return {
            f"{name}{of}": value
            for of, texts in written.items()
            for name, value in translation_scores(texts, references).items()
        }

    def write_details(self, model: nn.Module, prepared: TranslationData, folder: Path) -> None:
        """Write translations.csv: texts of the test part, their translations, and the network's."""
        test = prepared.pairs[2]
        written = self.translate(model, prepared, [pair.source for pair in test])
        rows = [(pair.source, pair.target, text) for pair, text in zip(test, written, strict=True)]
        write_table(folder / TRANSLATIONS_FILE, ("source", "reference", "translation"), rows)

    def picture(self, model: nn.Module, prepared: TranslationData) -> Figure | None:
        """Which parts of a text the decoder looked at, symbol by symbol."""
        from edgernn.training.metrics.attention_picture import draw_attention

        assert isinstance(model, Seq2Seq)
        assert isinstance(prepared.validation, SentencePairs)
        drawn = []
        vocabulary = prepared.metadata.vocabulary
        for number in range(min(2, len(prepared.validation))):
            source = prepared.validation.sources[number].tolist()
            decoder = TorchDecoder(model, source)
            best = prepared.search.search(decoder.start(), decoder.advance)[0]
            weights = decoder.weights(best.symbols)
            drawn.append(
                (
                    [vocabulary[symbol] for symbol in source],
                    [*(vocabulary[symbol] for symbol in best.symbols), END],
                    weights,
                )
            )
        return draw_attention(drawn)


def _read(options: Options, data: Path | None) -> list[tuple[Pair, ...]]:
    if data is None:
        pairs = _numbers(options)
        rest, test = _apart(pairs, options.test_size, options.split_seed)
        train, validation = _apart(rest, options.validation_size, options.split_seed)
    else:
        train, validation, test = _from_data(options, data)
    parts = [
        tuple(_lower(pair) for pair in part) if options.lower else tuple(part)
        for part in (train, validation, test)
    ]
    for name, part in zip(("to learn from", "to choose the epoch", "to score"), parts, strict=True):
        if not part:
            raise InputError(f"data: no pair of texts is left {name}. Give more.")
    return parts


def _from_data(options: Options, data: Path) -> tuple[list[Pair], list[Pair], list[Pair]]:
    def read(path: Path, part: str = "") -> list[Pair]:
        return read_pairs(path, options.source, options.target, part=part, encoding=options.encoding)

    def named(name: str) -> list[Pair] | None:
        if not name:
            return None
        if data.is_dir() and name in parts_in(data, options.source, options.target):
            return read(data, name)
        path = locate_data(name)
        assert path is not None
        return read(path, options.train_data)

    train = read(data, options.train_data)
    validation, test = named(options.validation_data), named(options.test_data)
    if test is None:
        train, test = _apart(train, options.test_size, options.split_seed)
    if validation is None:
        train, validation = _apart(train, options.validation_size, options.split_seed)
    return train, validation, test


def _apart(pairs: list[Pair], share: float, seed: int) -> tuple[list[Pair], list[Pair]]:
    kept, put = split_labelled(["" for _ in pairs], share, seed)
    return [pairs[n] for n in kept], [pairs[n] for n in put]


def _lower(pair: Pair) -> Pair:
    return Pair(pair.source.lower(), pair.target.lower())


def _numbers(options: Options) -> list[Pair]:
    generator = torch.Generator().manual_seed(options.split_seed)
    drawn = torch.randperm(options.largest + 1, generator=generator)[: options.numbers].tolist()
    # Small numbers are few among so many, and what larger ones are made of.
    small = range(min(100, options.numbers // 4, options.largest))
    return [Pair(german(number), english(number)) for number in sorted({*small, *drawn})]


def _prepared(
    options: Options,
    data: Path | None,
    parts: list[tuple[Pair, ...]],
    tokenizer: Tokenizer,
    tokenizer_text: str,
) -> TranslationData:
    vocabulary = (*tokenizer.vocabulary, START, END)
    start, end = len(vocabulary) - 2, len(vocabulary) - 1
    sets = [
        SentencePairs(
            [tokenizer.encode(pair.source) for pair in part],
            [tokenizer.encode(pair.target) for pair in part],
            start,
            end,
            # What is scored is scored whole.
            longest=None if number == 2 else options.longest,
            smoothing=options.label_smoothing,
        )
        for number, part in enumerate(parts)
    ]
    if not len(sets[0]) or not len(sets[1]):
        raise InputError(f"longest: no text has at most {options.longest} symbols. Allow more.")
    found = f"{data}" if data is not None else "numbers in German and English words, made by the recipe"
    return TranslationData(
        train=sets[0],
        validation=sets[1],
        test=sets[2],
        arguments={
            "symbols": len(vocabulary),
            "start": start,
            "end": end,
            "embedding_size": options.embedding_size,
            "hidden_size": options.hidden_size,
            "attention": options.attention,
            "cell": options.cell,
            "encoder_layers": options.encoder_layers,
            "dropout": options.dropout,
            "longest": options.longest,
            "beam": options.beam,
            "length_penalty": options.length_penalty,
        },
        metadata=Metadata(
            task="translate",
            outputs=("log_probabilities",),
            vocabulary=vocabulary,
            tokenizer=tokenizer_text,
        ),
        source=f"{len(sets[0])} pairs of texts of {found}, and {len(parts[2])} to score",
        fingerprint=digest(*(text for part in parts for pair in part for text in (pair.source, pair.target))),
        example=sets[2].example(len(vocabulary)),
        pairs=tuple(parts),
        search=BeamSearch(
            start, end, options.beam, length_penalty=options.length_penalty, longest=options.longest
        ),
    )


RECIPE = Translate()
