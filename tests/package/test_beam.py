"""Beam search, against all sequences there are."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgernn.beam import BeamSearch
from edgernn.errors import InputError

SYMBOLS, START, END = 4, 0, 3


class Table:
    """A decoder whose probabilities depend on all that was written, at random."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def scores(self, written: tuple[int, ...]) -> np.ndarray:
        raw = np.random.default_rng([self.seed, *(symbol + 1 for symbol in written)]).normal(0, 2, SYMBOLS)
        return raw - np.log(np.exp(raw).sum())

    def advance(self, state: list[tuple[int, ...]], rows: Any, symbols: Any) -> Any:
        after = [(*state[row], int(symbol)) for row, symbol in zip(rows, symbols, strict=True)]
        return np.stack([self.scores(written) for written in after]), after


def exhaustive(table: Table, longest: int, penalty: float) -> list[tuple[float, tuple[int, ...]]]:
    """Every sequence that ends within the longest, best first."""
    found = []
    for length in range(longest):
        for symbols in itertools.product(range(SYMBOLS - 1), repeat=length):
            written, total = (START,), 0.0
            for symbol in (*symbols, END):
                total += float(table.scores(written)[symbol])
                written = (*written, symbol)
            found.append((total / ((5 + length + 1) / 6) ** penalty, symbols))
    return sorted(found, reverse=True)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), longest=st.integers(1, 4), penalty=st.sampled_from([0.0, 0.6, 1.0]))
def test_a_wide_beam_finds_the_best_of_all(seed: int, longest: int, penalty: float) -> None:
    table = Table(seed)
    search: BeamSearch[Any] = BeamSearch(START, END, 200, length_penalty=penalty, longest=longest)
    found = search.search([()], table.advance)
    best = exhaustive(table, longest, penalty)
    assert [item.symbols for item in found[:3]] == [symbols for _, symbols in best[:3]]
    np.testing.assert_allclose([item.score for item in found[:3]], [score for score, _ in best[:3]])
    assert all(item.finished for item in found)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_a_beam_of_one_is_greedy(seed: int) -> None:
    table = Table(seed)
    written: tuple[int, ...] = (START,)
    while len(written) <= 6:
        symbol = int(table.scores(written).argmax())
        if symbol == END:
            break
        written = (*written, symbol)
    (found,) = BeamSearch[Any](START, END, 1, longest=6).search([()], table.advance)
    assert found.symbols == written[1:]
    assert found.finished == (len(written) <= 6)


def test_a_narrow_beam_stops_before_the_longest_and_keeps_rows_apart() -> None:
    calls = []

    def advance(state: list[tuple[int, ...]], rows: Any, symbols: Any) -> Any:
        calls.append(len(rows))
        return table.advance(state, rows, symbols)

    table = Table(5)
    found = BeamSearch[Any](START, END, 3, length_penalty=0.0, longest=500).search([()], advance)
    assert 1 <= len(found) <= 3
    assert len(calls) < 100
    assert max(calls) <= 3
    for item in found:
        total = sum(
            float(table.scores((START, *item.symbols[:n]))[symbol])
            for n, symbol in enumerate((*item.symbols, END))
        )
        assert item.log_probability == pytest.approx(total)


def test_what_never_ends_is_cut() -> None:
    def advance(state: Any, rows: Any, symbols: Any) -> Any:
        return np.log(np.tile([0.5, 0.3, 0.2, 0.0], (len(rows), 1)) + 1e-300 * np.array([1, 1, 1, 0])), state

    with np.errstate(divide="ignore"):
        found = BeamSearch[Any](START, END, 2, longest=4).search(None, advance)
    assert [item.symbols for item in found] == [(0, 0, 0, 0), (0, 0, 0, 1)] or not found[0].finished
    assert not any(item.finished for item in found)


def test_a_decoder_that_gives_no_number_is_told() -> None:
    def advance(state: Any, rows: Any, symbols: Any) -> Any:
        return np.full((len(rows), SYMBOLS), np.nan), state

    with pytest.raises(InputError, match="NaN"):
        BeamSearch[Any](START, END).search(None, advance)


@pytest.mark.parametrize(
    "arguments", [{"beam": 0}, {"beam": 2.0}, {"longest": 0}, {"length_penalty": -1.0}, {"start": -1}]
)
def test_settings_out_of_range(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(arguments))):
        BeamSearch(**{"start": START, "end": END, **arguments})
