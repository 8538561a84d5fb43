"""Error rates of sequences against edits counted by hand and against plain dynamic programming."""

from __future__ import annotations

import random

import pytest

from edgernn.errors import InputError
from edgernn.training.metrics.edits import error_rate, text_error_rates


def distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        new = [i]
        for j, y in enumerate(b, start=1):
            new.append(min(row[j] + 1, new[-1] + 1, row[j - 1] + (x != y)))
        row = new
    return row[-1]


def test_by_hand() -> None:
    # kitten → sitting: two substitutions and an insertion.
    assert error_rate(["kitten"], ["sitting"]) == pytest.approx(3 / 7)
    # All edits ÷ all lengths, not the mean of the ratios.
    assert error_rate(["a", "bcd"], ["b", "bcde"]) == pytest.approx((1 + 1) / 5)
    # One of three words; of 12 characters one is another and one is missing.
    rates = text_error_rates(["the bat sit"], ["the cat sits"])
    assert rates == {"wer": pytest.approx(2 / 3), "cer": pytest.approx(2 / 12)}
    assert text_error_rates(["a  b\n"], ["a b"])["wer"] == 0


def test_symbols_of_any_kind() -> None:
    assert error_rate([[1, 2, 3]], [[1, 3]]) == pytest.approx(1 / 2)
    assert error_rate([("ba", "b")], [("b", "ab")]) == 1


def test_empty_sequences() -> None:
    assert error_rate([""], ["abc"]) == 1
    assert error_rate(["ab", "c"], ["", "c"]) == 2
    assert error_rate([""], [""]) == 0
    assert error_rate(["a"], [""]) == float("inf")


def test_what_strays_far_from_the_diagonal_is_counted_exactly() -> None:
    chosen = random.Random(0)
    text = "".join(chosen.choices("abcdefgh", k=300))
    for found in (text[80:], text[80:] + text[:80], text[::-1]):
        assert error_rate([found], [text]) == distance(found, text) / 300


def test_what_does_not_pair_is_refused() -> None:
    with pytest.raises(InputError, match="found 1 and 2"):
        error_rate(["a"], ["a", "b"])
    with pytest.raises(InputError, match="at least one"):
        error_rate([], [])
