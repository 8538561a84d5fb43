"""Events of a stream do not depend on how it is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgernn.errors import InputError
from edgernn.events import EventDetector

BACKGROUND = 3


def found(labels: list[int], wait: int, cuts: list[int]) -> list[tuple[int, int]]:
    detector = EventDetector(BACKGROUND, wait)
    scores = np.eye(4)[labels] if labels else np.zeros((0, 4))
    parts = list(np.split(np.arange(len(labels)), cuts))
    events = [event for part in parts for event in detector.push(np.array(labels, int)[part], scores[part])]
    return [(event.label, event.frame) for event in events]


def expected(labels: list[int], wait: int) -> list[tuple[int, int]]:
    """Frame by frame, looking back."""
    events = []
    for t, label in enumerate(labels):
        if label == BACKGROUND:
            continue
        spoken = [s for s in range(t) if labels[s] != BACKGROUND]
        before = spoken[-1] if spoken else None
        if before is None or labels[before] != label or t - before - 1 > wait:
            events.append((label, t))
    return events


@given(
    labels=st.lists(st.integers(0, 3), max_size=30), wait=st.integers(0, 4), cuts=st.lists(st.integers(0, 30))
)
def test_events_do_not_depend_on_the_cuts(labels: list[int], wait: int, cuts: list[int]) -> None:
    cuts = sorted(min(cut, len(labels)) for cut in cuts)
    assert found(labels, wait, cuts) == expected(labels, wait)


def test_the_score_is_the_largest_of_the_event() -> None:
    detector = EventDetector(background=1)
    (event,) = detector.push([1, 0, 0, 1], [[0, 1], [0.6, 0.4], [0.9, 0.1], [0, 1]])
    assert (event.label, event.frame, event.score) == (0, 1, 0.9)


def test_a_reset_begins_again() -> None:
    detector = EventDetector(background=1, wait=5)
    scores = [[1.0, 0.0]]
    assert len(detector.push([0], scores)) == 1
    assert detector.push([0], scores) == []
    detector.reset()
    assert [event.frame for event in detector.push([0], scores)] == [0]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="wait must be an integer"):
        EventDetector(0, -1)
    with pytest.raises(InputError, match=r"\(frames, classes\)"):
        EventDetector(0).push([0, 1], [[0.0, 1.0]])
