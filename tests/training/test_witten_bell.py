from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from edgernn.errors import InputError
from edgernn.training.witten_bell import witten_bell

SYMBOLS = 4
TRAIN = np.random.default_rng(0).integers(0, SYMBOLS - 1, 60)
TEST = np.random.default_rng(1).integers(0, SYMBOLS, 25)


def probability(history: tuple[int, ...], symbol: int) -> float:
    """The definition, word by word."""
    shorter = probability(history[1:], symbol) if history else 1 / SYMBOLS
    size = len(history)
    grams = Counter(tuple(TRAIN[n : n + size + 1].tolist()) for n in range(len(TRAIN) - size))
    followers = {gram[-1]: count for gram, count in grams.items() if gram[:-1] == history}
    n, t = sum(followers.values()), len(followers)
    return (followers.get(symbol, 0) + t * shorter) / (n + t) if n else shorter


@pytest.mark.parametrize("order", [1, 2, 4])
def test_it_is_the_definition(order: int) -> None:
    test = TEST.tolist()
    expected = [
        -math.log(probability(tuple(test[max(0, n - order + 1) : n]), symbol))
        for n, symbol in enumerate(test)
    ]
    found = witten_bell(TRAIN, TEST, SYMBOLS, order)
    assert found == pytest.approx(sum(expected) / len(expected))


def test_probabilities_sum_to_one() -> None:
    history = TRAIN[:2].tolist()
    total = sum(
        math.exp(
            -3 * witten_bell(TRAIN, np.array([*history, symbol]), SYMBOLS, 3)
            + 2 * witten_bell(TRAIN, np.array(history), SYMBOLS, 3)
        )
        for symbol in range(SYMBOLS)
    )
    assert total == pytest.approx(1)


def test_what_comes_again_and_again_is_no_surprise() -> None:
    text = np.tile([0, 1, 2, 3], 200)
    assert witten_bell(text, text, SYMBOLS, 3) < 0.05
    assert witten_bell(text, text, SYMBOLS, 1) == pytest.approx(math.log(4), rel=1e-3)


@pytest.mark.parametrize(
    ("train", "test", "symbols", "order"),
    [(TRAIN, TEST, 4, 0), (TRAIN, TEST, 257, 8), (TRAIN[:0], TEST, 4, 2)],
)
def test_what_cannot_be_counted_is_refused(train, test, symbols: int, order: int) -> None:
    with pytest.raises(InputError, match=r"n-grams|n-gram model needs"):
        witten_bell(train, test, symbols, order)
