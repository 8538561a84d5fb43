"""The search for the smallest file, on made-up costs, against trying everything."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgernn.errors import InputError
from edgernn.quantize.choosing.budget import parse_budget
from edgernn.quantize.choosing.pictures import pareto
from edgernn.quantize.choosing.search import MOST_COMBINATIONS, Space, Trial, search

LADDER = ("int4", "int8", "float32")
SHARE = {"int4": 0.15, "int8": 0.27, "float32": 1.0}


def space_of(sizes: list[int], costs: list[tuple[float, float]]) -> Space:
    names = [f"layer{index}" for index in range(len(sizes))]
    bytes_of, cost_of = {}, {}
    for name, size, (eight, more) in zip(names, sizes, costs, strict=True):
        for scheme, cost in zip(LADDER, (eight + more, eight, 0.0), strict=True):
            bytes_of[name, scheme] = round(size * SHARE[scheme])
            cost_of[name, scheme] = cost
    return Space(names, LADDER, bytes_of, cost_of)


def attempts(space: Space, bound: float):
    """Errors that add up."""
    seen = []

    def attempt(schemes):
        value = sum(space.cost[item] for item in schemes.items())
        trial = Trial(dict(schemes), space.size(schemes), value, value <= bound)
        seen.append(trial)
        return trial

    return attempt, seen


layers = st.tuples(st.integers(100, 10_000), st.tuples(st.floats(0, 1), st.floats(0, 5)))


@given(st.lists(layers, min_size=1, max_size=3), st.floats(0, 6))
def test_with_few_layers_the_result_is_the_smallest(found, bound):
    space = space_of([size for size, _ in found], [cost for _, cost in found])
    assert space.combinations <= MOST_COMBINATIONS
    attempt, _ = attempts(space, bound)
    whole = attempt(dict.fromkeys(space.layers, "float32"))
    best = search(space, whole, attempt)
    everything = [
        attempt(dict(zip(space.layers, schemes, strict=True)))
        for schemes in itertools.product(LADDER, repeat=len(space.layers))
        if set(schemes) != {"float32"}
    ]
    inside = [trial for trial in everything if trial.holds]
    assert (best is None) == (not inside)
    if best is not None:
        assert best.holds
        assert best.bytes == min(trial.bytes for trial in inside)


@given(st.lists(layers, min_size=5, max_size=9), st.floats(0, 20))
def test_with_many_layers_no_single_layer_can_be_smaller(found, bound):
    space = space_of([size for size, _ in found], [cost for _, cost in found])
    assert space.combinations > MOST_COMBINATIONS
    attempt, seen = attempts(space, bound)
    whole = attempt(dict.fromkeys(space.layers, "float32"))
    best = search(space, whole, attempt)
    assert len(seen) <= 1 + 4 * len(space.layers) * len(LADDER)
    single = [attempt({**whole.schemes, layer: scheme}) for layer in space.layers for scheme in LADDER[:2]]
    if best is None:
        assert not any(trial.holds for trial in single)
        return
    assert best.holds
    smaller = [
        attempt({**best.schemes, layer: scheme})
        for layer, now in best.schemes.items()
        for scheme in LADDER[: LADDER.index(now)]
    ]
    assert not [trial for trial in smaller if trial.holds and trial.bytes < best.bytes]


def test_what_hurts_most_for_its_bytes_stays():
    space = space_of([1000] * 5, [(0.0, 0.1), (0.0, 9.0), (0.0, 0.1), (0.0, 0.1), (0.0, 0.1)])
    attempt, _ = attempts(space, 0.5)
    best = search(space, attempt(dict.fromkeys(space.layers, "float32")), attempt)
    assert best is not None
    assert best.schemes == dict.fromkeys(space.layers, "int4") | {"layer1": "int8"}


def test_the_front_holds_what_nothing_beats():
    trials = tuple(Trial({}, size, value, True) for size, value in [(1, 9.0), (2, 5.0), (3, 7.0), (4, 1.0)])
    assert [trial.bytes for trial in pareto(trials, larger_is_better=False)] == [1, 2, 4]
    assert [trial.bytes for trial in pareto(trials, larger_is_better=True)] == [1]


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("max-error=0.01", 0.01, True),
        ("max-error<=0.01", 0.011, False),
        ("relative-error = 1e-2", 0.005, True),
        ("accuracy>=0.95", 0.95, True),
        ("accuracy ≥ 0.95", 0.94, False),
        ("rmse<=0.5", 0.4, True),
        ("rmse<=0.5", float("nan"), False),
        ("accuracy>=0.5", float("nan"), False),
    ],
)
def test_budgets_as_text(text, value, holds):
    assert parse_budget(text).holds(value) is holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("small", "'small' is none. Write max-error=0.01"),
        ("accuracy=0.95", r"must the score 'accuracy' be at least \(>=\) or at most"),
        ("max-error>=0.1", "an error has an upper bound"),
        ("max-error=0", "allows no error"),
        ("max-error=much", "'much' in 'max-error=much' is no number"),
        ("rmse<=inf", "is no number"),
    ],
)
def test_budgets_that_are_refused(text, said):
    with pytest.raises(InputError, match=said):
        parse_budget(text)
