"""Faults that are put into a series, and what alarms find of them."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from edgernn.errors import InputError
from edgernn.training.alarms import Steps, classify_steps, curve, found_faults, starts, threshold_for
from edgernn.training.faults import KINDS, Fault, inject, labelled_faults

SERIES = torch.stack([torch.arange(400.0) % 7 + 5, torch.linspace(1, 2, 400)], 1)
SCALE = torch.tensor([2.0, 0.3])


def test_faults_are_what_their_kind_says() -> None:
    faulty, faults = inject(SERIES, SCALE, each=3, steps=10, size=4.0, first=100, gap=5)
    assert [fault.kind for fault in faults] != sorted(fault.kind for fault in faults)
    assert {kind: sum(fault.kind == kind for fault in faults) for kind in KINDS} == dict.fromkeys(KINDS, 3)
    touched = torch.zeros_like(SERIES, dtype=torch.bool)
    for fault in faults:
        channel = fault.channel
        before, after = SERIES[fault.span, channel], faulty[fault.span, channel]
        moved, size = after - before, 4 * float(SCALE[channel])
        touched[fault.span, channel] = True
        assert len(after) == (1 if fault.kind == "spike" else 10)
        if fault.kind in ("spike", "drift"):
            assert float(moved[-1].abs()) == pytest.approx(size, rel=1e-4)
        if fault.kind == "drift":
            assert float(moved[4].abs()) == pytest.approx(size / 2, rel=1e-4)
        if fault.kind == "stuck":
            assert after.unique().tolist() == [before[0]]
        if fault.kind == "dropout":
            assert not after.any()
        if fault.kind == "noise":
            assert 0.2 * size < float(moved.std()) < size
    assert torch.equal(faulty[~touched], SERIES[~touched])


def test_the_seed_says_where_they_are_and_they_keep_apart() -> None:
    faults = inject(SERIES, SCALE, each=4, steps=6, first=50, gap=8, seed=3)[1]
    assert faults == inject(SERIES, SCALE, each=4, steps=6, first=50, gap=8, seed=3)[1]
    assert faults != inject(SERIES, SCALE, each=4, steps=6, first=50, gap=8, seed=4)[1]
    assert faults[0].start >= 50
    for first, second in itertools.pairwise(faults):
        assert second.start >= first.start + first.steps + 8


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"kinds": ("spyke",)}, "'spyke' is none of spike, drift"),
        ({"each": 100}, "hold no 500 faults of 24 steps.*fault_count"),
    ],
)
def test_what_cannot_be_put_in_is_refused(arguments: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        inject(SERIES, SCALE, **arguments)


def test_labels_tell_of_faults() -> None:
    labels = ["", "a", "a", "b", "", "a"]
    expected = [Fault("a", None, 1, 2), Fault("b", None, 3, 1), Fault("a", None, 5, 1)]
    assert labelled_faults(labels) == expected


def test_steps_just_after_a_fault_count_as_neither() -> None:
    steps = classify_steps(10, [Fault("a", 0, 3, 2)], first=1, after=2)
    assert steps.faulty.int().tolist() == [0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    assert steps.clean.int().tolist() == [0, 1, 1, 0, 0, 0, 0, 1, 1, 1]


def test_consecutive_steps_are_one_alarm() -> None:
    assert starts(torch.tensor([1, 1, 0, 1, 0, 0, 1, 1, 1]).bool()) == 3
    assert starts(torch.zeros(4).bool()) == 0


@pytest.mark.parametrize("most", [1, 5, 20])
def test_a_threshold_gives_as_many_alarms_as_asked(most: float) -> None:
    scores = torch.randn(4000, generator=torch.Generator().manual_seed(0))
    threshold = threshold_for(scores, most)
    assert starts(scores > threshold) <= most
    # The next lower threshold has more: it is no larger than it must be.
    lower = scores[scores < threshold].max()
    assert starts(scores > lower - 1e-6) >= most


def test_a_threshold_needs_room_for_an_alarm() -> None:
    with pytest.raises(InputError, match=r"may hold 0\.5 alarms"):
        threshold_for(torch.randn(50), 0.5)


def test_found_faults_alarm_while_they_last() -> None:
    alarms = torch.zeros(30, dtype=torch.bool)
    alarms[[2, 7, 15]] = True
    faults = [Fault("a", 0, 5, 4), Fault("a", 0, 12, 3), Fault("b", 0, 20, 5)]
    first, second = found_faults(alarms, faults)
    assert (first.kind, first.faults, first.found, first.delay) == ("a", 2, 1, 2)
    assert (second.found, math.isnan(second.delay)) == (0, True)


def test_the_curve_takes_scores_of_any_size() -> None:
    steps = Steps(torch.tensor([0, 0, 1, 1, 0]).bool(), torch.tensor([1, 1, 0, 0, 0]).bool())
    assert curve(torch.tensor([1e6, 2e6, 3e6, 9e9, 5.0]), steps).area == 1
    assert curve(torch.tensor([4.0, 2.0, 3.0, 1.0, 5.0]), steps).area == pytest.approx(0.25)
