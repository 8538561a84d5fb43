"""Scores of classes: accuracy, precision, recall, F1, ROC curves and the area under them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from edgernn.errors import InputError


@dataclass(frozen=True)
class ClassScores:
    """How well one class is found.

    Attributes:
        label: the class.
        samples: how many samples are of it.
        precision: of those said to be of the class, the share that is; 0 where none was said to be.
        recall: of those that are of the class, the share that was said to be; 0 where there is none.
        f1: their harmonic mean; 0 where both are.
        auc: area under the ROC curve of this class against all others; None where there is no sample of it,
            or of no other one.
    """

    label: str
    samples: int
    precision: float
    recall: float
    f1: float
    auc: float | None


@dataclass(frozen=True, eq=False)
class RocCurve:
    """How many of a class are found, against how many others are taken for it, over all thresholds.

    Attributes:
        label: the class.
        false_positives: (points,), shares of the other samples, from 0 to 1.
        true_positives: (points,), shares of the class's samples.
        area: under the curve; 0.5 is chance.
    """

    label: str
    false_positives: Tensor
    true_positives: Tensor
    area: float


def class_scores(found: Tensor, truth: Tensor, classes: int) -> dict[str, float]:
    """Accuracy, and precision, recall and F1 as means over the classes (macro).

    Classes that neither occur nor were said to occur are left out of the means.

    Args:
        found, truth: (samples,), classes by index.
        classes: how many there are.

    Raises:
        InputError: where there is no sample, the shapes differ, or an index is none of the classes.
    """
    from torchmetrics.functional.classification import (
        multiclass_accuracy,
        multiclass_f1_score,
        multiclass_precision,
        multiclass_recall,
    )

    _check(found, truth, classes)
    return {
        "accuracy": float(multiclass_accuracy(found, truth, classes, average="micro")),
        "precision": float(multiclass_precision(found, truth, classes, average="macro")),
        "recall": float(multiclass_recall(found, truth, classes, average="macro")),
        "f1": float(multiclass_f1_score(found, truth, classes, average="macro")),
    }


def mean_auc(probabilities: Tensor, truth: Tensor) -> float | None:
    """Area under the ROC curve: the mean over the classes that occur beside others, each against the rest.

    Args:
        probabilities: (samples, classes).
        truth: (samples,).

    Returns:
        None where all samples are of one class: there is no curve then.
    """
    areas = [curve.area for curve in roc_curves(probabilities, truth)]
    return sum(areas) / len(areas) if areas else None


def roc_curves(probabilities: Tensor, truth: Tensor, labels: tuple[str, ...] = ()) -> list[RocCurve]:
    """A curve for each class that occurs beside others.

    Args:
        probabilities: (samples, classes), of each class.
        truth: (samples,), classes by index.
        labels: names of the classes; empty: their numbers.

    Raises:
        InputError: where the shapes do not fit, or an index is none of the classes.
    """
    from torchmetrics.functional.classification import binary_auroc, binary_roc

    if probabilities.dim() != 2:
        raise InputError(
            f"probabilities: must be (samples, classes), found shape {tuple(probabilities.shape)}."
        )
    classes = probabilities.shape[1]
    _check(probabilities.argmax(-1), truth, classes)
    names = labels or tuple(map(str, range(classes)))
    curves = []
    for index, label in enumerate(names):
        is_it = (truth == index).long()
        if 0 < int(is_it.sum()) < len(truth):
            false, true, _ = binary_roc(probabilities[:, index], is_it)
            area = float(binary_auroc(probabilities[:, index], is_it))
            curves.append(RocCurve(label, false, true, area))
    return curves


def scores_by_class(probabilities: Tensor, truth: Tensor, labels: tuple[str, ...]) -> list[ClassScores]:
    """Scores of each class; arguments as for `roc_curves`."""
    from torchmetrics.functional.classification import (
        multiclass_f1_score,
        multiclass_precision,
        multiclass_recall,
    )

    areas = {curve.label: curve.area for curve in roc_curves(probabilities, truth, labels)}
    found, classes = probabilities.argmax(-1), len(labels)
    precision, recall, f1 = (
        score(found, truth, classes, average="none").tolist()
        for score in (multiclass_precision, multiclass_recall, multiclass_f1_score)
    )
    samples = truth.bincount(minlength=classes).tolist()
    return [
        ClassScores(label, samples[n], precision[n], recall[n], f1[n], areas.get(label))
        for n, label in enumerate(labels)
    ]


def confusion(found: Tensor, truth: Tensor, classes: int) -> Tensor:
    """(classes, classes) counts: a row for what is, a column for what was said."""
    from torchmetrics.functional.classification import multiclass_confusion_matrix

    _check(found, truth, classes)
    counts: Tensor = multiclass_confusion_matrix(found, truth, classes)
    return counts


def _check(found: Tensor, truth: Tensor, classes: int) -> None:
    if found.shape != truth.shape or truth.dim() != 1 or not len(truth):
        raise InputError(
            f"scores: found and truth must be (samples,) with at least one sample, found shapes "
            f"{tuple(found.shape)} and {tuple(truth.shape)}."
        )
    both = torch.cat([found, truth])
    if both.is_floating_point() or int(both.min()) < 0 or int(both.max()) >= classes:
        raise InputError(
            f"scores: classes must be integers from 0 to {classes - 1}, found {both.min():g} to "
            f"{both.max():g}."
        )
