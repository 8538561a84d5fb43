"""Classify what a signal and a text say together."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from edgernn.errors import InputError
from edgernn.features.symbols import BYTE_VOCABULARY, Symbols
from edgernn.models import FusionClassifier
from edgernn.training.classification import (
    ClassifierData,
    ClassifierOptions,
    ClassifierRecipe,
    Sequences,
    class_numbers,
    class_weights,
    digest,
)
from edgernn.training.options import option
from edgernn.training.recipe import Metadata, locate_data
from edgernn.training.recordings import Columns, Recording, read_recordings
from edgernn.training.splits import split_in_three

# Samples of the mean that stand for a signal that is left out.
_BLANK = 8


@dataclass(frozen=True)
class Options(ClassifierOptions):
    """Options of the fusion recipe."""

    inputs: Literal["both", "signal", "text"] = option(
        "both", "Which inputs the network learns from; the other one is blank, for comparison."
    )
    label_column: str = option("label", "Column or key that holds the labels.")
    text_column: str = option("text", "Column or key that holds the texts.")
    recording_column: str = option("recording", "Column of a table that tells recordings apart.")
    column: tuple[str, ...] = option((), "Columns of a table that hold the channels; empty: all others.")
    minimum_recordings: int = option(1, "Labels with fewer recordings are left out.", minimum=1)
    garble: float = option(
        0.75, "Of a folder without texts: share of the label's letters that its made text loses.", minimum=0,
        maximum=1,
    )  # fmt: skip
    keep: int | None = option(
        None, "Of a folder without texts: samples that are left of each signal, at a random place.", minimum=8
    )
    longest: int = option(64, "Bytes of a text that are read; what is behind is cut off.", minimum=1)
    sample_rate: float | None = option(None, "Samples a second, for the exported file.", above=0)
    unit: str = option("", "Unit of the signal's values, for reports and the exported file.")
    cell: str = option("gru", "Recurrent cell: lstm, gru, rnn, or another of edgernn.cells.")
    hidden_size: int = option(32, "Size of each recurrent layer, a direction.", minimum=1)
    embedding_size: int = option(16, "Numbers that stand for a byte.", minimum=1)
    stride: int = option(4, "Samples a recurrent step: 1, 2, 4, …; convolutions thin them out.", minimum=1)
    channels: int = option(32, "Output channels of each convolution.", minimum=1)
    max_epochs: int = option(30, "Most passes over the training part.", minimum=1)
    patience: int = option(30, "Epochs without a better validation loss before training stops.", minimum=1)
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = option(
        "one-cycle", "How the learning rate changes over training."
    )


class Pairs(Sequences):
    """Signals, texts and their classes: a sample is ((signal, numbers of symbols), class).

    Args:
        signals: each (time, features).
        texts: each (symbols,) int64.
        classes: of each, by index.
    """

    def __init__(self, signals: Sequence[Tensor], texts: Sequence[Tensor], classes: Sequence[int]) -> None:
        super().__init__(signals, classes)
        self.texts = list(texts)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return (self.sequences[index], self.texts[index]), self.classes[index]


class Fusion(ClassifierRecipe[Options]):
    """A label for each signal with its text."""

    summary = "Classify a signal and a text together: jsonl, csv, or a folder of recordings."
    options_type = Options

    def prepare(self, options: Options, data: Path | None) -> ClassifierData:
        """Read and split the pairs."""
        return self._prepare(options, data, None)

    def prepare_like(
        self, options: Options, data: Path | None, known: Metadata, new_labels: bool = False
    ) -> ClassifierData:
        """As `prepare`, with the labels of a network that is trained already."""
        return self._prepare(options, data, None if new_labels else known.labels)

    def _prepare(self, options: Options, data: Path | None, known: Sequence[str] | None) -> ClassifierData:
        if data is None:
            raise InputError(
                "data: this recipe comes without data. Name yours with --data: a .jsonl file of objects "
                '{"values": [[…], …], "text": …, "label": …}, or a .csv table of recordings with columns '
                "recording, text and label."
            )
        train, validation, test = split_pairs(options, data)
        labels = tuple(sorted({item.label for item in train})) if known is None else tuple(known)
        if len(labels) < 2:
            raise InputError(f"data: pairs of one label, {labels[0]!r}, alone; nothing to tell apart.")
        mean = torch.cat([item.values for item in train]).mean(0)
        parts = [_pairs(part, labels, options, mean) for part in (train, validation, test)]
        made = f"; {_made(options)}" if data.is_dir() else ""
        blank = f"; learned from the {options.inputs} alone" if options.inputs != "both" else ""
        features = parts[0].sequences[0].shape[1]
        return ClassifierData(
            train=parts[0],
            validation=parts[1],
            test=parts[2],
            arguments={
                "features": features,
                "symbols": len(BYTE_VOCABULARY),
                "classes": len(labels),
                "hidden_size": options.hidden_size,
                "embedding_size": options.embedding_size,
                "cell": options.cell,
                "stride": options.stride,
                "channels": options.channels,
                "dropout": options.dropout,
            },
            metadata=Metadata(
                task="fusion",
                input_unit=options.unit,
                sample_rate=options.sample_rate,
                features=options.column or tuple(f"channel {n}" for n in range(features)),
                outputs=("probabilities",),
                labels=labels,
                vocabulary=BYTE_VOCABULARY,
            ),
            source=(
                f"{sum(map(len, parts))} signals with texts of {len(labels)} labels in {data}{made}{blank}"
            ),
            fingerprint=digest(
                labels, *(x for part in parts for x in (*part.sequences, *part.texts, part.classes))
            ),
            example=_example(parts[2]),
            class_weights=class_weights(parts[0].classes, len(labels), options.class_weights),
        )

    def build(self, arguments: dict[str, Any]) -> FusionClassifier:
        """The network: convolutions and recurrent layers for the signal, recurrent layers for the text."""
        return FusionClassifier(**arguments)

    def initialise(self, model: nn.Module, prepared: ClassifierData) -> None:
        """Set the normalisation, from the training part alone, and the classes' weights."""
        super().initialise(model, prepared)
        assert isinstance(model, FusionClassifier)
        assert isinstance(prepared.train, Pairs)
        model.fit_normalization(torch.cat(prepared.train.sequences))

    def logits(self, model: nn.Module, padded: Tensor, lengths: Tensor) -> Tensor:
        """Of signals without their texts there are none."""
        raise InputError("fusion: a signal without its text has no scores; see predict.")

    def predict(self, model: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        """Scores of the classes, and the classes."""
        assert isinstance(model, FusionClassifier)
        signals, texts, lengths, classes = batch
        return model.logits(signals, texts, lengths), classes

    def collate(self) -> Callable[[list[Any]], Any]:
        """Signals and texts filled up on the right, the signals' lengths, and the classes."""
        return _padded

    def collate_training(self, prepared: ClassifierData) -> Callable[[list[Any]], Any]:
        """As `collate`."""
        return _padded

    @torch.no_grad()
    def probabilities(self, model: nn.Module, part: Sequences) -> Tensor:
        """(samples, classes): each sample by itself, as an app asks, by the network's `forward`."""
        assert isinstance(part, Pairs)
        found = [
            model(signal.unsqueeze(0), text.unsqueeze(0))
            for signal, text in zip(part.sequences, part.texts, strict=True)
        ]
        return torch.cat(found)


def split_pairs(options: Options, data: Path) -> tuple[Sequence[Recording], ...]:
    """The training, validation and test part; each recording's text stands as its group."""

    def read(path: Path) -> list[Recording]:
        if path.is_dir():
            return [_with_made_text(item, options) for item in read_recordings(path, Columns())]
        columns = Columns(options.label_column, options.recording_column, options.text_column, options.column)
        return read_recordings(path, columns, encoding=options.encoding)

    def other(file: str) -> list[Recording]:
        path = locate_data(file)
        assert path is not None
        return read(path)

    found = read(data)
    counts = Counter(item.label for item in found)
    found = [item for item in found if counts[item.label] >= options.minimum_recordings]
    if not found:
        raise InputError(
            f"option minimum_recordings: no label has {options.minimum_recordings} recordings; the most "
            f"frequent one has {max(counts.values())}."
        )
    return split_in_three(
        found, other, test_data=options.test_data, validation_data=options.validation_data,
        test_size=options.test_size, validation_size=options.validation_size, seed=options.split_seed,
    )  # fmt: skip


def _with_made_text(item: Recording, options: Options) -> Recording:
    """A recording with a text that is made of its label, and as much of its signal as is kept.

    What is lost follows from the recording's file name and the split's seed alone.
    """
    draw = random.Random(f"{options.split_seed} {Path(item.where.strip(chr(39))).name}")
    words = item.label.replace("_", " ").lower()
    text = "".join(letter for letter in words if draw.random() >= options.garble).strip() or "?"
    values = item.values
    if options.keep is not None and len(values) > options.keep:
        first = draw.randrange(len(values) - options.keep)
        values = values[first : first + options.keep]
    return replace(item, values=values, group=text)


def _made(options: Options) -> str:
    kept = f", {options.keep} samples of each signal kept" if options.keep is not None else ""
    return f"texts made of the labels, each letter lost with a probability of {options.garble:g}{kept}"


def _pairs(items: Sequence[Recording], labels: Sequence[str], options: Options, mean: Tensor) -> Pairs:
    """The samples; an input that is not learned from is the training part's mean, or an empty text."""
    symbols = Symbols(BYTE_VOCABULARY)
    classes = class_numbers([item.label for item in items], labels, [item.where for item in items])
    signals = [item.values for item in items]
    texts = [torch.tensor(symbols.encode(item.group)[: options.longest]) for item in items]
    if options.inputs == "text":
        signals = [mean.repeat(_BLANK, 1)] * len(items)
    if options.inputs == "signal":
        texts = [torch.zeros(1, dtype=torch.int64)] * len(items)
    return Pairs(signals, texts, classes)


def _padded(samples: list[Any]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    pairs, classes = zip(*samples, strict=True)
    signals, texts = zip(*pairs, strict=True)
    lengths = torch.tensor([len(signal) for signal in signals])
    return (
        pad_sequence(list(signals), batch_first=True), pad_sequence(list(texts), batch_first=True), lengths,
        torch.tensor(classes),
    )  # fmt: skip


def _example(test: Pairs) -> tuple[Tensor, Tensor]:
    """Two pairs of the test part, the signals cut to the shorter one.

    The second text's last symbol is the vocabulary's largest one: an exported file takes the range of symbols
    that its example shows.
    """
    numbers = range(min(2, len(test)))
    shortest = min(len(test.sequences[n]) for n in numbers)
    texts = pad_sequence([test.texts[n] for n in numbers], batch_first=True).clone()
    texts[-1, -1] = len(BYTE_VOCABULARY) - 1
    return torch.stack([test.sequences[n][:shortest] for n in numbers]), texts


RECIPE = Fusion()
