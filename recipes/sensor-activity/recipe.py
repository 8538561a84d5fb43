"""Classify what a sensor's motion is, while it comes in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.models import SensorClassifier
from edgernn.training.augmentation import SignalAugmentation, signal_augmentation
from edgernn.training.classification import (
    ClassifierData,
    ClassifierOptions,
    ClassifierRecipe,
    Sequences,
    class_numbers,
    class_weights,
    digest,
)
from edgernn.training.neighbour import nearest_by_statistics
from edgernn.training.options import option
from edgernn.training.recipe import Metadata, Unlabelled, locate_data
from edgernn.training.recordings import Columns, Recording, groups_of, read_recordings
from edgernn.training.rotation import rotate
from edgernn.training.splits import split_in_three


@dataclass(frozen=True)
class Options(ClassifierOptions, SignalAugmentation):
    """Options of the sensor-activity recipe."""

    label_column: str = option("label", "Column of a table that holds the labels.")
    recording_column: str = option("recording", "Column of a table that tells recordings apart.")
    group_column: str = option("", "Column of a table that says who or what was recorded.")
    group_pattern: str = option(
        "", "Of a folder: expression whose first group in a file's name says who or what was recorded."
    )
    column: tuple[str, ...] = option((), "Columns of a table that hold the channels; empty: all others.")
    test_group: str = option("", "The group (e.g. the person) that is held out for the scores.")
    minimum_recordings: int = option(1, "Labels with fewer recordings are left out.", minimum=1)
    sample_rate: float | None = option(None, "Samples a second, for the exported file.", above=0)
    unit: str = option("", "Unit of the values, for reports and the exported file.")
    cell: str = option("gru", "Recurrent cell: lstm, gru, rnn, or another of edgernn.cells.")
    hidden_size: int = option(64, "Size of a recurrent layer.", minimum=1)
    num_layers: int = option(1, "Recurrent layers on top of each other.", minimum=1)
    stride: int = option(4, "Samples an answer: 1, 2, 4, …; convolutions thin them out.", minimum=1)
    channels: int = option(32, "Output channels of each convolution.", minimum=1)
    pooling: Literal["mean", "last"] = option(
        "mean", "Whether an answer is of the recording until now, or of its last moments."
    )
    members: int = option(1, "Networks side by side whose scores are averaged.", minimum=1)
    magnitude_from: float | None = option(
        None, "Value of an axis that measures nothing; the length of each three channels then joins them."
    )
    elapsed: bool = option(
        False,
        "Whether the time since a recording began counts, where each is of one motion from start to end.",
    )
    rotate: float = option(
        0.0, "Spread of the angle that training turns three-axis sensors by, in radians.", minimum=0
    )
    crop: float = option(0.3, "Largest share of a recording that training cuts off.", minimum=0, below=1)
    rescale: float = option(0.05, "Spread of gain and offset that training draws anew.", minimum=0)
    max_epochs: int = option(30, "Most passes over the training part.", minimum=1)
    patience: int = option(30, "Epochs without a better validation loss before training stops.", minimum=1)
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = option(
        "one-cycle", "How the learning rate changes over training."
    )


class SensorActivity(ClassifierRecipe[Options]):
    """A label for each recording, and for each moment of a stream."""

    summary = "Classify motion from sensors: a folder of recordings, csv, jsonl or .ts; streams."
    options_type = Options
    objectives = ("predictive-coding", "forecast")
    data_options = (*ClassifierRecipe.data_options, "test_group", "minimum_recordings")

    def prepare(self, options: Options, data: Path | None) -> ClassifierData:
        """Read and split the recordings."""
        return self._prepare(options, data, None)

    def prepare_like(
        self, options: Options, data: Path | None, known: Metadata, new_labels: bool = False
    ) -> ClassifierData:
        """As `prepare`, with the labels of a network that is trained already."""
        return self._prepare(options, data, None if new_labels else known.labels)

    def _prepare(self, options: Options, data: Path | None, known: Sequence[str] | None) -> ClassifierData:
        train, validation, test = split_recordings(options, _given(data))
        labels = tuple(sorted({item.label for item in train})) if known is None else tuple(known)
        if len(labels) < 2:
            raise InputError(f"data: recordings of one label, {labels[0]!r}, alone; nothing to tell apart.")
        parts = [_sequences(part, labels) for part in (train, validation, test)]
        values = torch.cat(parts[0].sequences)
        features = values.shape[1]
        people = f" of {len(groups)} groups" if (groups := groups_of([*train, *validation, *test])) else ""
        return ClassifierData(
            train=parts[0],
            validation=parts[1],
            test=parts[2],
            arguments=_arguments(options, features, len(labels)),
            metadata=_metadata(options, features, labels),
            source=f"{sum(map(len, parts))} recordings of {len(labels)} labels{people} in {data}",
            fingerprint=digest(
                labels, *(x for part in parts for x in part.sequences), *(p.classes for p in parts)
            ),
            example=(_example(parts[2]),),
            class_weights=class_weights(parts[0].classes, len(labels), options.class_weights),
            augment=augmentation(options, values),
            mix_up=options.mix_up,
            label_smoothing=options.label_smoothing,
        )

    def unlabelled(self, options: Options, data: Path | None, known: Metadata | None) -> Unlabelled:
        """The recordings of the training data, whatever their labels; a group that is held out stays so."""
        data = _given(data)
        columns = Columns(
            options.label_column, options.recording_column, options.group_column, options.column
        )
        found = read_recordings(path=data, columns=columns, group_pattern=options.group_pattern,
                                encoding=options.encoding)  # fmt: skip
        kept = [item.values for item in found if not options.test_group or item.group != options.test_group]
        features = found[0].values.shape[1]
        return Unlabelled(
            sequences=kept,
            arguments=_arguments(options, features, classes=1),
            metadata=_metadata(options, features, labels=()),
            source=f"{len(kept)} recordings without labels in {data}",
            fingerprint=digest(*kept),
        )

    def build(self, arguments: dict[str, Any]) -> SensorClassifier:
        """The network: convolutions that thin samples out, recurrent layers, a mean so far, a linear head."""
        return SensorClassifier(**arguments)

    def initialise(self, model: nn.Module, prepared: ClassifierData) -> None:
        """Set the normalisation, from the training part alone, and the classes' weights."""
        super().initialise(model, prepared)
        assert isinstance(model, SensorClassifier)
        assert isinstance(prepared.train, Sequences)
        model.fit_normalization(torch.cat(prepared.train.sequences), torch.tensor(prepared.train.lengths))

    def predict(self, model: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        """Each member's scores of the classes, one recording after the other, and the classes."""
        assert isinstance(model, SensorClassifier)
        padded, lengths, classes = batch
        places = torch.arange(len(lengths)), model.last_output(lengths)
        scores = model.member_logits(padded)[places]
        return scores.flatten(0, 1), classes.repeat_interleave(model.members, 0)

    def logits(self, model: nn.Module, padded: Tensor, lengths: Tensor) -> Tensor:
        """Scores of the classes after each recording's last sample."""
        assert isinstance(model, SensorClassifier)
        return model.logits(padded)[torch.arange(len(lengths)), model.last_output(lengths)]

    def answers(self, model: nn.Module, padded: Tensor, lengths: Tensor) -> Tensor:
        """Probabilities of the classes after each recording's last sample."""
        assert isinstance(model, SensorClassifier)
        answers: Tensor = model(padded)[torch.arange(len(lengths)), model.last_output(lengths)]
        return answers

    def baselines(self, prepared: ClassifierData) -> dict[str, Tensor]:
        """The most frequent label, and the nearest recording by statistics of its channels."""
        train, test = prepared.train, prepared.test
        assert isinstance(train, Sequences)
        assert isinstance(test, Sequences)
        return {
            **super().baselines(prepared),
            "nearest": nearest_by_statistics(train.sequences, train.classes, test.sequences),
        }


def _given(data: Path | None) -> Path:
    if data is None:
        raise InputError(
            "data: this recipe comes without data. Name yours with --data: a folder of LABEL/ folders "
            "with a file a recording, a .csv table, a .jsonl or a .ts file."
        )
    return data


def _arguments(options: Options, features: int, classes: int) -> dict[str, Any]:
    return {
        "features": features,
        "classes": classes,
        "hidden_size": options.hidden_size,
        "cell": options.cell,
        "num_layers": options.num_layers,
        "stride": options.stride,
        "channels": options.channels,
        "pooling": options.pooling,
        "dropout": options.dropout,
        "members": options.members,
        "magnitude_from": options.magnitude_from,
        "elapsed": options.elapsed,
    }


def _metadata(options: Options, features: int, labels: tuple[str, ...]) -> Metadata:
    return Metadata(
        task="sensor-activity",
        input_unit=options.unit,
        sample_rate=options.sample_rate,
        features=options.column or tuple(f"channel {n}" for n in range(features)),
        outputs=("probabilities",),
        labels=labels,
    )


def augmentation(options: Options, values: Tensor) -> Callable[[Tensor], Tensor]:
    """What training does to a recording: its sensor is turned, then what is done to any signal.

    Args:
        options: how much of each.
        values: (time, features), all recordings of the training part, one after the other.
    """
    change = signal_augmentation(options, values)
    return lambda recording: change(rotate(recording, options.rotate, options.magnitude_from or 0.0))


def split_recordings(options: Options, data: Path) -> tuple[Sequence[Recording], ...]:
    """The training, validation and test part."""

    def read(path: Path) -> list[Recording]:
        columns = Columns(
            options.label_column, options.recording_column, options.group_column, options.column
        )
        return read_recordings(path, columns, group_pattern=options.group_pattern, encoding=options.encoding)

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
    test: list[Recording] = []
    if options.test_group:
        groups = groups_of(found)
        if options.test_group not in groups:
            raise InputError(
                f"option test_group: there is no group {options.test_group!r}; the groups are "
                f"{', '.join(groups) or 'none (set group_pattern or group_column)'}."
            )
        test = [item for item in found if item.group == options.test_group]
        found = [item for item in found if item.group != options.test_group]
    return split_in_three(
        found, other, test_data=options.test_data, validation_data=options.validation_data,
        test_size=options.test_size, validation_size=options.validation_size, seed=options.split_seed,
        test=test,
    )  # fmt: skip


def _sequences(recordings: Sequence[Recording], labels: Sequence[str]) -> Sequences:
    classes = class_numbers([item.label for item in recordings], labels, [item.where for item in recordings])
    return Sequences([item.values for item in recordings], classes)


def _example(test: Sequences) -> Tensor:
    """Two recordings of the test part, cut to the shorter one."""
    rows = [test.sequences[n] for n in range(min(2, len(test)))]
    shortest = min(len(row) for row in rows)
    return torch.stack([row[:shortest] for row in rows])


RECIPE = SensorActivity()
