"""Alarms over time: how many there are, what threshold gives so many, what they find of labelled faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from edgernn.errors import InputError
from edgernn.training.faults import Fault
from edgernn.training.metrics.classification import RocCurve, roc_curves


@dataclass(frozen=True)
class Steps:
    """Which steps of a series count as what.

    Attributes:
        faulty: (time,) bool, steps of a fault.
        clean: (time,) bool, steps that count as none: not those just after a fault, which it still shows in.
    """

    faulty: Tensor
    clean: Tensor


def classify_steps(count: int, faults: Sequence[Fault], first: int, after: int) -> Steps:
    """Steps of faults and clean ones.

    Args:
        count: time steps of the series.
        faults: in it.
        first: the first step that counts.
        after: steps after each fault that count as neither.
    """
    faulty, touched = torch.zeros(2, count, dtype=torch.bool)
    for fault in faults:
        faulty[fault.span] = True
        touched[fault.start : fault.start + fault.steps + after] = True
    counts = torch.arange(count) >= first
    return Steps(faulty & counts, ~touched & counts)


def starts(alarms: Tensor) -> int:
    """How many alarms there are: consecutive steps are one."""
    before = torch.cat([alarms.new_zeros(1), alarms[:-1]])
    return int((alarms & ~before).sum())


def threshold_for(scores: Tensor, most: float) -> float:
    """The least of the scores as a threshold that at most `most` alarms exceed, consecutive steps being one.

    Raises:
        InputError: where the scores are too few to tell, as with less than one alarm.
    """
    if most < 1:
        raise InputError(
            f"option alarms_per_day: the calibration part is so short that it may hold {most:.2g} alarms, so "
            "it cannot tell the threshold. Give a longer one (calibration_size), or allow more alarms."
        )
    ordered = scores.sort().values
    low, high = 0, len(ordered) - 1
    # Starts do not fall with the threshold everywhere, but above the middle of the scores they do on the
    # whole; the search keeps to thresholds that were tried.
    best = float(ordered[-1])
    while low <= high:
        middle = (low + high) // 2
        if starts(scores > ordered[middle]) <= most and middle >= len(ordered) // 2:
            best, high = float(ordered[middle]), middle - 1
        else:
            low = middle + 1
    return best


@dataclass(frozen=True)
class Found:
    """What alarms found of the faults of one kind.

    Attributes:
        kind: of the faults.
        faults: how many there are.
        found: how many of them alarmed while they lasted.
        delay: median steps from a found fault's start to its alarm; NaN where none was found.
    """

    kind: str
    faults: int
    found: int
    delay: float


def found_faults(alarms: Tensor, faults: Sequence[Fault]) -> list[Found]:
    """What alarms (time,) bool found, kind by kind."""
    results = []
    for kind in dict.fromkeys(fault.kind for fault in faults):
        own = [alarms[fault.span] for fault in faults if fault.kind == kind]
        delays = torch.tensor([int(seen.int().argmax()) for seen in own if seen.any()])
        delay = float(delays.float().median()) if len(delays) else float("nan")
        results.append(Found(kind, len(own), len(delays), delay))
    return results


def curve(scores: Tensor, steps: Steps, label: str = "fault") -> RocCurve:
    """How many faulty steps are found against how many clean ones alarm, over all thresholds.

    Args:
        scores: (time,); of which only the faulty and the clean steps count.
        steps: which they are; there are some of both.
        label: what the curve is called.
    """
    counts = steps.faulty | steps.clean
    # Only their order matters. As ranks they are probabilities, which a library of scores does not squash.
    ranks = scores[counts].unique(return_inverse=True)[1].double()
    found = ranks / ranks.max().clamp(min=1)
    by_class = torch.stack([1 - found, found], 1)
    _, of_faulty = roc_curves(by_class, steps.faulty[counts].long(), ("clean", label))
    return of_faulty
