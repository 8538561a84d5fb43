"""What recipes that classify whole sequences share: samples, the loss, scores and the confusion matrix."""

from __future__ import annotations

import abc
import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from edgernn.errors import InputError
from edgernn.files import write_text
from edgernn.pages import save_figure
from edgernn.training.metrics.classification import (
    ClassScores,
    RocCurve,
    class_scores,
    confusion,
    mean_auc,
    roc_curves,
    scores_by_class,
)
from edgernn.training.metrics.pictures import draw_confusion, draw_roc
from edgernn.training.mix_up import mix_up, soft_cross_entropy, soft_labels
from edgernn.training.options import TrainingOptions, option
from edgernn.training.recipe import Prepared, Recipe

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torchmetrics import Metric

CONFUSION_FILE, CONFUSION_PICTURE = "confusion.csv", "confusion.png"
CLASSES_FILE = "classes.csv"
ROC_PICTURE = "roc.png"
_SCORED_AT_ONCE = 128


@dataclass(frozen=True)
class ClassifierOptions(TrainingOptions):
    """What every recipe that classifies can be told."""

    test_data: str = option("", "Data that are only scored; without it a share of the data is put aside.")
    validation_data: str = option("", "Data that choose the epoch; without it a share is put aside.")
    test_size: float = option(0.2, "Share of the data put aside for the scores.", above=0, below=1)
    validation_size: float = option(
        0.1, "Share of the training data put aside to choose the epoch.", above=0, below=1
    )
    split_seed: int = option(0, "Seed of what is put aside; apart from the seed of training.", minimum=0)
    encoding: str = option("utf-8", "Encoding of the files.")
    class_weights: Literal["none", "balanced"] = option(
        "none", "balanced: rare classes weigh as much in the loss as frequent ones."
    )
    label_smoothing: float = option(
        0.0, "Probability that the loss takes from the label.", minimum=0, below=1
    )
    length_buckets: bool = option(True, "Whether samples of like length share a batch.")
    dropout: float = option(0.3, "Dropout around and between recurrent layers.", minimum=0, below=1)
    # A network this small gains little from a second thread.
    threads: int | None = option(1, "CPU threads that training uses; none: torch's choice.", minimum=1)


class Sequences(Dataset):
    """Sequences and their classes: a sample is (sequence, class).

    Args:
        sequences: each (time, …).
        classes: of each, by index.

    Attributes:
        lengths: time steps of each.
    """

    def __init__(self, sequences: Sequence[Tensor], classes: Sequence[int]) -> None:
        self.sequences, self.classes = list(sequences), list(classes)
        self.lengths = [len(sequence) for sequence in self.sequences]

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.sequences[index], self.classes[index]


@dataclass(frozen=True)
class ClassifierData(Prepared):
    """The data sets, and what scoring needs beside them.

    Attributes:
        class_weights: weight of each class in the loss; None: all alike.
        augment: a sequence as it is learned from, changed at random; None: as it is.
        mix_up: strength with which two sequences of a batch are mixed, see `mix_up.py`; 0: not at all.
        label_smoothing: probability that the loss takes from each label.
    """

    class_weights: Tensor | None
    augment: Callable[[Tensor], Tensor] | None = None
    mix_up: float = 0.0
    label_smoothing: float = 0.0


ClassifierOptionsT = TypeVar("ClassifierOptionsT", bound=ClassifierOptions)


class ClassifierRecipe(Recipe[ClassifierOptionsT, ClassifierData]):
    """A recipe whose samples are `Sequences`. A subclass reads the data and builds the network."""

    data_options: ClassVar[tuple[str, ...]] = ("test_data", "validation_data", "encoding")

    @abc.abstractmethod
    def logits(self, model: nn.Module, padded: Tensor, lengths: Tensor) -> Tensor:
        """Scores of the classes, (batch, classes), of a padded batch."""

    def baselines(self, prepared: ClassifierData) -> dict[str, Tensor]:
        """Classes that plain methods give the test part, by their names."""
        train, test = sequences_of(prepared.train), sequences_of(prepared.test)
        most = torch.tensor(train.classes).bincount().argmax()
        return {"majority": most.repeat(len(test))}

    def initialise(self, model: nn.Module, prepared: ClassifierData) -> None:
        """Set the classes' weights in the loss, which are no part of the trained network."""
        model.register_buffer("class_weights", prepared.class_weights, persistent=False)

    def predict(self, model: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        """Scores of the classes, and the classes."""
        filled, lengths, classes = batch
        return self.logits(model, filled, lengths), classes

    def loss(self, model: nn.Module, output: Tensor, target: Tensor) -> Tensor:
        """Cross entropy, of classes or of distributions over them."""
        weights = model.get_buffer("class_weights")
        if target.is_floating_point():
            return soft_cross_entropy(output, target, weights)
        return F.cross_entropy(output, target, weight=weights)

    def loss_weight(self, model: nn.Module, target: Tensor) -> Tensor | None:
        """The sum of the samples' class weights, which the cross entropy divides by."""
        weights = cast("Tensor | None", model.get_buffer("class_weights"))
        if weights is None:
            return None
        return (target * weights).sum() if target.is_floating_point() else weights[target].sum()

    def metrics(self) -> dict[str, Metric]:
        """None: their number of classes is known with the data alone."""
        return {}

    def collate(self) -> Callable[[list[Any]], Any]:
        """Sequences filled up on the right, their lengths, and the classes."""
        return batch_of

    def collate_training(self, prepared: ClassifierData) -> Callable[[list[Any]], Any]:
        """As `collate`, of augmented sequences; classes become distributions where labels are mixed."""
        augment, mixing, smoothing = prepared.augment, prepared.mix_up, prepared.label_smoothing
        count = len(prepared.metadata.labels)

        def collate(samples: list[Any]) -> tuple[Tensor, Tensor, Tensor]:
            if augment is not None:
                samples = [(augment(sequence), cls) for sequence, cls in samples]
            if not mixing and not smoothing:
                return batch_of(samples)
            sequences, classes = zip(*samples, strict=True)
            mixed, labels = mix_up(sequences, soft_labels(classes, count, smoothing), mixing)
            padded, lengths, _ = batch_of(list(zip(mixed, classes, strict=True)))
            return padded, lengths, labels

        return collate

    def lengths(self, part: Dataset, options: ClassifierOptionsT) -> Sequence[int] | None:
        """Time steps of each sample, where the options ask for batches of like length."""
        return sequences_of(part).lengths if options.length_buckets else None

    def answers(self, model: nn.Module, padded: Tensor, lengths: Tensor) -> Tensor:
        """Probabilities of the classes, (batch, classes), of a padded batch, by the network's `forward`.

        What is scored comes from `forward` alone, so that an exported file can stand in its place.
        """
        answers: Tensor = model(padded)
        return answers

    @torch.no_grad()
    def probabilities(self, model: nn.Module, part: Sequences) -> Tensor:
        """(samples, classes), of each sample of a part, on the CPU."""
        device = next((weight.device for weight in model.parameters()), torch.device("cpu"))
        found = []
        for numbers in torch.arange(len(part)).split(_SCORED_AT_ONCE):
            filled, lengths, _ = (tensor.to(device) for tensor in batch_of([part[n] for n in numbers]))
            found.append(self.answers(model, filled, lengths).cpu())
        return torch.cat(found)

    def score(self, model: nn.Module, prepared: ClassifierData) -> dict[str, float]:
        """Accuracy, and macro precision, recall, F1 and area under the ROC curve, on the test part.

        Of plain methods too, which give no probabilities and so no curve.
        """
        test = sequences_of(prepared.test)
        truth, classes = torch.tensor(test.classes), len(prepared.metadata.labels)
        probabilities = self.probabilities(model, test)
        scores = class_scores(probabilities.argmax(-1), truth, classes)
        if (area := mean_auc(probabilities, truth)) is not None:
            scores["auc"] = area
        for name, found in self.baselines(prepared).items():
            plain = class_scores(found, truth, classes)
            scores |= {f"{score}/{name}": value for score, value in plain.items()}
        return scores

    def picture(self, model: nn.Module, prepared: ClassifierData) -> Figure:
        """The confusion matrix of the validation part."""
        part, labels = sequences_of(prepared.validation), prepared.metadata.labels
        said = self.probabilities(model, part).argmax(-1)
        return draw_confusion(confusion(said, torch.tensor(part.classes), len(labels)), labels)

    def write_details(self, model: nn.Module, prepared: ClassifierData, folder: Path) -> None:
        """Write the confusion matrix of the test part, scores of each class, and the ROC curves.

        confusion.csv has a row for each label and a column for what the network said; confusion.png shows it;
        classes.csv has precision, recall, F1 and area of each label; roc.png is there where two occur.
        """
        test, labels = sequences_of(prepared.test), prepared.metadata.labels
        truth, probabilities = torch.tensor(test.classes), self.probabilities(model, test)
        counts = confusion(probabilities.argmax(-1), truth, len(labels))
        rows = [(label, *row) for label, row in zip(labels, counts.tolist(), strict=True)]
        write_table(folder / CONFUSION_FILE, ("is \\ said", *labels), rows)
        by_class = [astuple(item) for item in scores_by_class(probabilities, truth, labels)]
        write_table(folder / CLASSES_FILE, [item.name for item in fields(ClassScores)], by_class)
        save_figure(draw_confusion(counts, labels), folder / CONFUSION_PICTURE)
        if curves := roc_curves(probabilities, truth, labels):
            write_roc(folder, curves)


def class_numbers(labels: Sequence[str], known: Sequence[str], where: Sequence[str]) -> list[int]:
    """The number of each label among the known ones.

    Raises:
        InputError: where there is one that is not known, with its place.
    """
    numbers = {label: number for number, label in enumerate(known)}
    for label, place in zip(labels, where, strict=True):
        if label not in numbers:
            raise InputError(
                f"data: {place}: the label {label!r} is none of those that are learned: {', '.join(known)}. "
                "Add samples of it to the training data, or finetune the network on it."
            )
    return [numbers[label] for label in labels]


def class_weights(classes: Sequence[int], count: int, kind: str) -> Tensor | None:
    """Weights of the classes in the loss, 1 on the mean over the samples; None where all count alike."""
    if kind == "none":
        return None
    return len(classes) / (count * torch.tensor(classes).bincount(minlength=count).clamp(min=1).float())


def digest(*parts: object) -> str:
    """SHA-256 of what data hold, in hexadecimal."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part.numpy().tobytes() if isinstance(part, Tensor) else repr(part).encode())
    return found.hexdigest()


def batch_of(samples: list[Any]) -> tuple[Tensor, Tensor, Tensor]:
    """Samples of `Sequences` as a batch: filled up on the right, their lengths, and the classes."""
    sequences, classes = zip(*samples, strict=True)
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    return pad_sequence(list(sequences), batch_first=True), lengths, torch.tensor(classes)


def write_roc(folder: Path, curves: Sequence[RocCurve]) -> None:
    """Draw the curves into a run folder."""
    save_figure(draw_roc(curves), folder / ROC_PICTURE)


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file, whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def sequences_of(part: Dataset) -> Sequences:
    """A part of a classifier's data as what it is."""
    assert isinstance(part, Sequences)
    return part
