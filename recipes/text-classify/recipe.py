"""Classify texts: sentiment, topic, language of a name, from bytes or words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from edgernn.errors import InputError
from edgernn.features.symbols import BYTE_VOCABULARY, Symbols, word_vocabulary
from edgernn.models import TextClassifier
from edgernn.training.augmentation import StepAugmentation, drop_steps, mask_steps
from edgernn.training.classification import (
    ClassifierData,
    ClassifierOptions,
    ClassifierRecipe,
    Sequences,
    class_numbers,
    class_weights,
    digest,
)
from edgernn.training.labelled_texts import LabelledText, read_plain_texts, read_texts
from edgernn.training.naive_bayes import naive_bayes
from edgernn.training.options import option
from edgernn.training.recipe import Metadata, Unlabelled, locate_data
from edgernn.training.splits import split_labelled

# A symbol that tells nothing: of words the one for all that are not known, of bytes zero, which no text has.
HIDDEN = 1


@dataclass(frozen=True)
class Options(ClassifierOptions, StepAugmentation):
    """Options of the text-classify recipe."""

    text_column: str = option("text", "Column of a table that holds the texts.")
    label_column: str = option("label", "Column of a table that holds the labels.")
    labelled_lines: bool = option(
        True, "Pre-training: whether lines of a plain file begin with a label; else a line is a text."
    )
    symbols: Literal["words", "bytes"] = option("words", "What the network reads, one a step.")
    minimum_count: int = option(2, "Texts that a word must stand in to be told from others.", minimum=1)
    vocabulary_size: int = option(20000, "Most words that are told apart.", minimum=3)
    longest: int = option(
        400, "Most symbols of a text that are learned from; the rest is cut off.", minimum=1
    )
    cell: str = option("gru", "Recurrent cell: lstm, gru, rnn, or another of edgernn.cells.")
    embedding_size: int = option(64, "Numbers that stand for a symbol.", minimum=1)
    hidden_size: int = option(64, "Size of a recurrent layer, a direction.", minimum=1)
    num_layers: int = option(1, "Recurrent layers on top of each other.", minimum=1)
    bidirectional: bool = option(True, "Whether a second cell reads from the end to the start.")
    symbol_dropout: float = option(0.1, "Share of symbols left out in training.", minimum=0, below=1)
    max_epochs: int = option(12, "Most passes over the training part.", minimum=1)
    patience: int = option(6, "Epochs without a better validation loss before training stops.", minimum=1)
    batch_size: int = option(50, "Samples a training step.", minimum=1)
    learning_rate: float = option(0.002, "Step size of the optimiser, the schedule's largest.", above=0)
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = option(
        "one-cycle", "How the learning rate changes over training."
    )


class TextClassify(ClassifierRecipe[Options]):
    """A label for each text."""

    summary = "Classify texts by your labels: csv, tsv, jsonl, label-first lines, or a folder."
    options_type = Options
    objectives = ("next-symbol",)

    def prepare(self, options: Options, data: Path | None) -> ClassifierData:
        """Read and split the texts, and choose the vocabulary from the training part."""
        return self._prepare(options, data, None, True)

    def prepare_like(
        self, options: Options, data: Path | None, known: Metadata, new_labels: bool = False
    ) -> ClassifierData:
        """As `prepare`, with the vocabulary of a network that is trained already."""
        return self._prepare(options, data, known, new_labels)

    def _prepare(
        self, options: Options, data: Path | None, known: Metadata | None, new_labels: bool
    ) -> ClassifierData:
        train, validation, test = split_texts(options, _given(data))
        labels = tuple(sorted({item.label for item in train}))
        vocabulary = _vocabulary(options, [item.text for item in train], known)
        if known is not None and not new_labels:
            labels = known.labels
        if len(labels) < 2:
            raise InputError(
                f"data: texts of one label, {labels[0]!r}, alone; there is nothing to tell apart."
            )
        symbols = Symbols(vocabulary)
        parts = [_sequences(part, labels, symbols, options.longest) for part in (train, validation, test)]
        return ClassifierData(
            train=parts[0],
            validation=parts[1],
            test=parts[2],
            arguments=_arguments(options, len(vocabulary), len(labels)),
            metadata=Metadata(
                task="text-classify", outputs=("probabilities",), labels=labels, vocabulary=vocabulary
            ),
            source=f"{sum(map(len, parts))} texts of {len(labels)} labels in {data}",
            fingerprint=digest(labels, *((item.text, item.label) for item in (*train, *validation, *test))),
            example=_example(parts[2], len(vocabulary)),
            class_weights=class_weights(parts[0].classes, len(labels), options.class_weights),
            augment=augmentation(options),
            label_smoothing=options.label_smoothing,
        )

    def unlabelled(self, options: Options, data: Path | None, known: Metadata | None) -> Unlabelled:
        """The texts alone; tables need no column of labels."""
        data = _given(data)
        texts = read_plain_texts(
            data,
            text_column=options.text_column,
            encoding=options.encoding,
            labelled_lines=options.labelled_lines,
        )
        vocabulary = _vocabulary(options, texts, known)
        symbols = Symbols(vocabulary)
        return Unlabelled(
            sequences=[torch.tensor(symbols.encode(text)[: options.longest]) for text in texts],
            arguments=_arguments(options, len(vocabulary), classes=1),
            metadata=Metadata(task="text-classify", vocabulary=vocabulary),
            source=f"{len(texts)} texts without labels in {data}",
            fingerprint=digest(texts),
        )

    def build(self, arguments: dict[str, Any]) -> TextClassifier:
        """The network: embedding, recurrent layers, attention pooling and a linear head."""
        return TextClassifier(**arguments)

    def logits(self, model: nn.Module, padded: Tensor, lengths: Tensor) -> Tensor:
        """Scores of the classes; the lengths follow from the zeros behind a text."""
        assert isinstance(model, TextClassifier)
        return model.logits(padded)

    def baselines(self, prepared: ClassifierData) -> dict[str, Tensor]:
        """The most frequent label, and naive Bayes over words or over three bytes at a time."""
        train, test = prepared.train, prepared.test
        assert isinstance(train, Sequences)
        assert isinstance(test, Sequences)
        width = 3 if Symbols(prepared.metadata.vocabulary).bytes else 1
        return {
            **super().baselines(prepared),
            "naive_bayes": naive_bayes(train.sequences, train.classes, test.sequences, width),
        }


def _given(data: Path | None) -> Path:
    if data is None:
        raise InputError(
            "data: this recipe comes without data. Name yours with --data: a .csv, .tsv or .jsonl file "
            "with columns text and label, a file of lines that begin with a label, or a folder of "
            "LABEL.txt files."
        )
    return data


def _vocabulary(options: Options, texts: Sequence[str], known: Metadata | None) -> tuple[str, ...]:
    if known is not None:
        return known.vocabulary
    if options.symbols == "bytes":
        return BYTE_VOCABULARY
    return word_vocabulary(texts, minimum_count=options.minimum_count, size=options.vocabulary_size)


def _arguments(options: Options, symbols: int, classes: int) -> dict[str, Any]:
    return {
        "symbols": symbols,
        "classes": classes,
        "embedding_size": options.embedding_size,
        "hidden_size": options.hidden_size,
        "cell": options.cell,
        "num_layers": options.num_layers,
        "bidirectional": options.bidirectional,
        "dropout": options.dropout,
        "symbol_dropout": options.symbol_dropout,
    }


def augmentation(options: Options) -> Callable[[Tensor], Tensor] | None:
    """What training does to a text: symbols are left out, and others hidden."""
    if not options.drop_steps and not options.mask_steps:
        return None

    def augment(symbols: Tensor) -> Tensor:
        left = drop_steps(symbols, options.drop_steps, shortest=1)
        return mask_steps(left, options.mask_steps, HIDDEN)

    return augment


def split_texts(options: Options, data: Path) -> tuple[Sequence[LabelledText], ...]:
    """The training, validation and test part."""

    def read(path: Path) -> list[LabelledText]:
        return read_texts(
            path,
            text_column=options.text_column,
            label_column=options.label_column,
            encoding=options.encoding,
        )

    def aside(
        texts: list[LabelledText], file: str, share: float, what: str
    ) -> tuple[list[LabelledText], list[LabelledText]]:
        if file:
            path = locate_data(file)
            assert path is not None
            return texts, read(path)
        kept, put = split_labelled([item.label for item in texts], share, options.split_seed, what)
        return [texts[n] for n in kept], [texts[n] for n in put]

    texts, test = aside(read(data), options.test_data, options.test_size, "test")
    train, validation = aside(texts, options.validation_data, options.validation_size, "validation")
    return train, validation, test


def _sequences(
    texts: Sequence[LabelledText], labels: Sequence[str], symbols: Symbols, longest: int
) -> Sequences:
    classes = class_numbers([item.label for item in texts], labels, [item.where for item in texts])
    return Sequences([torch.tensor(symbols.encode(item.text)[:longest]) for item in texts], classes)


def _example(test: Sequences, symbols: int) -> tuple[Tensor]:
    """Real texts, and every symbol's number within the range of the input that the manifest gives."""
    rows = [test.sequences[n] for n in range(min(2, len(test)))]
    limits = torch.tensor([1, symbols - 1])
    return (pad_sequence([*rows, limits], batch_first=True),)


RECIPE = TextClassify()
