"""Which samples are learned from, which choose the epoch and which are only scored."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from edgernn.errors import InputError


def split_labelled(
    labels: Sequence[str], share: float, seed: int, what: str = "test"
) -> tuple[list[int], list[int]]:
    """Put a share of the samples aside, the same share of each label.

    Args:
        labels: of each sample.
        share: what is put aside, from 0 to 1.
        seed: of the choice.
        what: the name of the part, for messages.

    Returns:
        Numbers of the samples that remain and of those put aside, ascending.

    Raises:
        InputError: where nothing would be put aside, or a label would not remain.
    """
    by_label: dict[str, list[int]] = defaultdict(list)
    for number, label in enumerate(labels):
        by_label[label].append(number)
    aside: list[int] = []
    chosen = random.Random(seed)
    # Rounding each label by itself would put nothing of rare labels aside: what is left over is carried on.
    due = 0.0
    for label in sorted(by_label):
        numbers = by_label[label]
        chosen.shuffle(numbers)
        due += share * len(numbers)
        count = min(round(due), len(numbers) - 1)
        due -= count
        aside += numbers[:count]
    if not aside:
        raise InputError(
            f"data: {len(labels)} samples of {len(by_label)} labels leave none for the {what} part with a "
            f"share of {share:g}. Give more samples a label, a larger {what}_size, or {what}_data."
        )
    kept = sorted(set(range(len(labels))) - set(aside))
    return kept, sorted(aside)


def split_at_random(samples: int, count: int, seed: int, what: str = "test") -> tuple[list[int], list[int]]:
    """Put `count` of the samples aside.

    Args:
        samples: how many there are.
        count: how many are put aside.
        seed: of the choice.
        what: the name of the part, for messages.

    Returns:
        Numbers of the samples that remain and of those put aside, ascending.

    Raises:
        InputError: where nothing would be put aside, or nothing would remain.
    """
    if not 0 < count < samples:
        raise InputError(
            f"data: of {samples} samples, {count} would be the {what} part. Give more samples, another "
            f"{what}_size, or {what}_data."
        )
    order = list(range(samples))
    random.Random(seed).shuffle(order)
    return sorted(order[count:]), sorted(order[:count])


class Labelled(Protocol):
    """What has a label."""

    @property
    def label(self) -> str:
        """It."""


ItemT = TypeVar("ItemT", bound=Labelled)


def split_in_three(
    items: Sequence[ItemT],
    read: Callable[[str], Sequence[ItemT]],
    *,
    test_data: str,
    validation_data: str,
    test_size: float,
    validation_size: float,
    seed: int,
    test: Sequence[ItemT] = (),
) -> tuple[Sequence[ItemT], Sequence[ItemT], Sequence[ItemT]]:
    """The training, validation and test part of labelled samples.

    Args:
        items: the samples.
        read: gives the samples of a file.
        test_data, validation_data: files of these parts; where empty, a share of the samples is put aside.
        test_size, validation_size: that share, the second one of what the test part leaves.
        seed: of what is put aside.
        test: the test part, where it has been put aside already.
    """

    def share(items: Sequence[ItemT], size: float, what: str) -> tuple[list[ItemT], list[ItemT]]:
        kept, put = split_labelled([item.label for item in items], size, seed, what)
        return [items[n] for n in kept], [items[n] for n in put]

    if not test:
        if test_data:
            test = read(test_data)
        else:
            items, test = share(items, test_size, "test")
    if validation_data:
        return items, read(validation_data), test
    return (*share(items, validation_size, "validation"), test)
