"""Multinomial naive Bayes: what a text classifier must beat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor


def naive_bayes(
    train: Sequence[Tensor], classes: Sequence[int], test: Sequence[Tensor], width: int = 1
) -> Tensor:
    """The most likely class of each test sequence, with add-one smoothing.

    Manning, Raghavan & Schütze (2008), "Introduction to Information Retrieval", section 13.2.

    Args:
        train, test: sequences of integers.
        classes: of the training sequences.
        width: how many neighbours count as one feature; a sequence's edges count too.
    """
    count = max(classes) + 1
    seen: dict[tuple[int, ...], int] = {}
    totals: list[Counter[int]] = [Counter() for _ in range(count)]
    for sequence, cls in zip(train, classes, strict=True):
        for feature in _features(sequence, width):
            totals[cls][seen.setdefault(feature, len(seen))] += 1
    counts = torch.zeros(count, len(seen) + 1, dtype=torch.float64)
    for cls, counter in enumerate(totals):
        for index, value in counter.items():
            counts[cls, index] = value
    likelihood = ((counts + 1) / (counts + 1).sum(1, keepdim=True)).log()
    prior = torch.tensor(classes).bincount(minlength=count).double().log()
    found = []
    for sequence in test:
        known = [seen[feature] for feature in _features(sequence, width) if feature in seen]
        found.append(int((prior + likelihood[:, known].sum(1)).argmax()))
    return torch.tensor(found)


def _features(sequence: Tensor, width: int) -> list[tuple[int, ...]]:
    edge = [-1] * (width - 1)
    values = [*edge, *sequence.tolist(), *edge]
    return [tuple(values[n : n + width]) for n in range(len(values) - width + 1)]
