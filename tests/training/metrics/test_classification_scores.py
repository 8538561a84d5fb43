"""Scores of classes against values computed by hand, and what happens where a class is absent."""

from __future__ import annotations

import pytest
import torch

from edgernn.errors import InputError
from edgernn.training.metrics.classification import (
    class_scores,
    confusion,
    mean_auc,
    roc_curves,
    scores_by_class,
)

TRUTH = torch.tensor([0, 0, 0, 1, 1, 2])
FOUND = torch.tensor([0, 0, 1, 1, 2, 2])


def probabilities(*of_second: float) -> torch.Tensor:
    second = torch.tensor(of_second)
    return torch.stack([1 - second, second], dim=1)


def test_scores_by_hand() -> None:
    # Class 0: precision 2/2, recall 2/3. Class 1: 1/2 and 1/2. Class 2: 1/2 and 1/1.
    scores = class_scores(FOUND, TRUTH, 3)
    assert scores["accuracy"] == pytest.approx(4 / 6)
    assert scores["precision"] == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert scores["recall"] == pytest.approx((2 / 3 + 0.5 + 1) / 3)
    assert scores["f1"] == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)
    assert confusion(FOUND, TRUTH, 3).tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]


def test_a_class_that_is_nowhere_does_not_count_and_one_that_is_only_said_does() -> None:
    assert class_scores(FOUND, TRUTH, 5) == class_scores(FOUND, TRUTH, 3)
    # Class 1 is said once and never is: precision and recall are 0 in the mean.
    scores = class_scores(torch.tensor([0, 1]), torch.tensor([0, 0]), 3)
    assert scores["precision"] == pytest.approx((1 + 0) / 2)
    assert scores["recall"] == pytest.approx((0.5 + 0) / 2)


def test_the_area_counts_pairs_in_the_right_order() -> None:
    # Of the six pairs of one of class 1 and one of class 0, five are in order: 0.4 stands below 0.5.
    given, truth = probabilities(0.1, 0.5, 0.3, 0.4, 0.9), torch.tensor([0, 0, 0, 1, 1])
    assert mean_auc(given, truth) == pytest.approx(5 / 6)
    assert mean_auc(1 - given, truth) == pytest.approx(1 / 6)
    curve = roc_curves(given, truth, ("no", "yes"))[1]
    assert curve.label == "yes"
    points = list(zip(curve.false_positives.tolist(), curve.true_positives.tolist(), strict=True))
    thirds = [(round(3 * false), round(2 * true)) for false, true in points]
    assert thirds == [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (3, 2)]
    # All alike is chance.
    assert mean_auc(probabilities(0.3, 0.3, 0.3), torch.tensor([0, 1, 1])) == pytest.approx(0.5)


def test_classes_without_samples_have_no_area() -> None:
    given = torch.tensor([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1]])
    truth = torch.tensor([0, 1, 0])
    assert [curve.label for curve in roc_curves(given, truth)] == ["0", "1"]
    assert mean_auc(given, truth) == 1
    assert mean_auc(given, torch.zeros(3, dtype=torch.int64)) is None
    rows = scores_by_class(given, truth, ("a", "b", "c"))
    assert [(row.label, row.samples, row.auc) for row in rows] == [("a", 2, 1), ("b", 1, 1), ("c", 0, None)]
    assert (rows[2].precision, rows[2].recall, rows[2].f1) == (0, 0, 0)


@pytest.mark.parametrize(
    ("found", "truth", "said"),
    [
        (torch.tensor([0, 1]), torch.tensor([0]), "found shapes"),
        (torch.tensor([], dtype=torch.int64), torch.tensor([], dtype=torch.int64), "at least one sample"),
        (torch.tensor([0, 3]), torch.tensor([0, 1]), "from 0 to 2, found 0 to 3"),
        (torch.tensor([0, -1]), torch.tensor([0, 1]), "found -1 to 1"),
    ],
)
def test_what_does_not_fit_is_refused(found: torch.Tensor, truth: torch.Tensor, said: str) -> None:
    for score in (class_scores, confusion):
        with pytest.raises(InputError, match=said):
            score(found, truth, 3)
    with pytest.raises(InputError, match="must be \\(samples, classes\\)"):
        mean_auc(torch.zeros(4), torch.zeros(4, dtype=torch.int64))
