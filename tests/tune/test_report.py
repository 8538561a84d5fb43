"""Which file is chosen, and which are worth a thought."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import edgernn
from edgernn.bench.statistics import Latency
from edgernn.tune.report import FileResult, Trial, choose, pareto


def trial(name: str, microseconds: float, size: int, error: float = 0.0, steps: int | None = None) -> Trial:
    file = FileResult(name, "op", "float32", steps, size, error)
    return Trial(file, steps or 1, 1, False, Latency.of([int(1000 * microseconds)]))


TRIALS = st.lists(
    st.builds(
        trial,
        st.text("abcdef", min_size=1, max_size=3),
        st.integers(1, 6).map(float),
        st.integers(1, 6),
        st.sampled_from([0.0, 0.1, 0.2]),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda item: item.file.name,
)


def no_worse(one: Trial, other: Trial) -> bool:
    return (
        one.latency.p50 <= other.latency.p50
        and one.file.bytes <= other.file.bytes
        and one.file.relative_error <= other.file.relative_error
    )


@given(TRIALS)
def test_the_front_holds_whatever_is_not_beaten(trials: list[Trial]) -> None:
    front = pareto(trials)
    for item in trials:
        beaten = any(no_worse(other, item) and not no_worse(item, other) for other in trials)
        assert (item in front) is not beaten


@given(TRIALS, st.sampled_from(["speed", "size"]))
def test_the_best_is_within_three_percent_of_what_is_preferred(trials: list[Trial], prefer: str) -> None:
    best = choose(trials, prefer)
    if prefer == "speed":
        assert best.latency.p50 <= 1.03 * min(item.latency.p50 for item in trials)
    else:
        assert best.file.bytes <= 1.03 * min(item.file.bytes for item in trials)


def test_of_equally_fast_files_the_smallest_is_taken_and_of_those_the_freest() -> None:
    fixed, free = trial("fixed", 10.0, 100, steps=1), trial("free", 10.1, 101)
    large, slow = trial("large", 9.9, 400), trial("slow", 30.0, 50)
    assert choose([large, fixed, free, slow], "speed") is free
    assert choose([large, fixed, free, slow], "size") is slow


def test_nothing_to_choose_from() -> None:
    with pytest.raises(edgernn.EdgeRNNError, match="nothing was measured"):
        choose([], "speed")
