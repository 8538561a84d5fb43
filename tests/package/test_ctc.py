"""CTC decoding against the sum over all ways to say a text, and cut into any chunks."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgernn.ctc import CTCDecoder
from edgernn.errors import InputError

SYMBOLS = ["<blank>", "a", "b"]


def steps(count: int, seed: int, symbols: int = 3) -> np.ndarray:
    scores = 2 * np.random.default_rng(seed).standard_normal((count, symbols))
    return scores - np.log(np.exp(scores).sum(1, keepdims=True))


def collapsed(path: tuple[int, ...]) -> str:
    return "".join(SYMBOLS[symbol] for symbol, _ in itertools.groupby(path) if symbol)


def texts(log_probabilities: np.ndarray) -> dict[str, float]:
    """The probability of every text: that of all its ways."""
    found: dict[str, float] = defaultdict(float)
    for path in itertools.product(range(3), repeat=len(log_probabilities)):
        found[collapsed(path)] += float(np.exp(sum(log_probabilities[t, s] for t, s in enumerate(path))))
    return found


@given(count=st.integers(1, 6), seed=st.integers(0, 999))
def test_a_wide_beam_finds_the_likeliest_text(count: int, seed: int) -> None:
    probabilities = texts(steps(count, seed))
    found = CTCDecoder(SYMBOLS, beam=500).decode(steps(count, seed))
    assert probabilities[found] == pytest.approx(max(probabilities.values()))


def test_a_beam_of_all_texts_holds_their_probabilities() -> None:
    decoder = CTCDecoder(SYMBOLS, beam=500)
    decoder.push(steps(5, 3))
    held = {decoder._text(prefix): np.exp(decoder._score(prefix)) for prefix in decoder._beams}
    expected = texts(steps(5, 3))
    assert {text: pytest.approx(p) for text, p in expected.items()} == held


def test_greedy_is_the_likeliest_way_and_not_the_likeliest_text() -> None:
    # Saying nothing at both steps is the likeliest way, .36; "a" has three ways: .64.
    log_probabilities = np.log([[0.6, 0.4, 1e-9], [0.6, 0.4, 1e-9]])
    assert CTCDecoder(SYMBOLS).decode(log_probabilities) == ""
    assert CTCDecoder(SYMBOLS, beam=4).decode(log_probabilities) == "a"


@given(
    beam=st.sampled_from([1, 2, 5]),
    seed=st.integers(0, 99),
    cuts=st.lists(st.integers(0, 20), max_size=5),
)
def test_partial_texts_are_stable_and_the_final_one_is_the_whole(
    beam: int, seed: int, cuts: list[int]
) -> None:
    log_probabilities, decoder = steps(20, seed), CTCDecoder(SYMBOLS, beam=beam)
    whole = decoder.decode(log_probabilities)
    partial = ""
    for part in np.split(log_probabilities, sorted(cuts)):
        longer = decoder.push(part)
        assert longer.startswith(partial)
        partial = longer
    assert whole.startswith(partial)
    assert decoder.finish() == whole


def test_a_language_model_decides_where_sound_does_not() -> None:
    even = np.log(np.array([[0.02, 0.49, 0.49], [0.96, 0.02, 0.02], [0.02, 0.49, 0.49]]))

    def never_twice(prefixes: list[tuple[int, ...]]) -> np.ndarray:
        likely = np.full((len(prefixes), 3), 0.5)
        for row, prefix in zip(likely, prefixes, strict=True):
            row[prefix[-1] if prefix else 2] = 1e-6
        return np.log(likely)

    decoder = CTCDecoder(SYMBOLS, beam=8, language_model=never_twice, bonus=1)
    assert decoder.decode(even) == "ab"
    # Without weight it says nothing, and ties are broken the same way each time.
    plain = CTCDecoder(SYMBOLS, beam=8, language_model=never_twice, language_weight=0.0)
    assert plain.decode(even) == CTCDecoder(SYMBOLS, beam=8).decode(even)


def test_words_stand_apart() -> None:
    log_probabilities = np.log([[0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]])
    assert CTCDecoder(["<blank>", "go", "on"]).decode(log_probabilities) == "go on"
    assert CTCDecoder(["<blank>", "go", "on"], separator="").decode(log_probabilities) == "goon"
    assert CTCDecoder(SYMBOLS).decode(log_probabilities) == "ab"


def test_what_does_not_fit_is_refused() -> None:
    for arguments, complaint in (
        ({"symbols": ["a"]}, "2 or more"),
        ({"blank": 3}, "blank must be the index"),
        ({"beam": 0}, "beam must be"),
        ({"bonus": float("nan")}, "bonus must be a number"),
        ({"language_weight": float("inf")}, "language_weight must be a number"),
        ({"language_model": lambda prefix: np.zeros(3)}, "asks no language model"),
    ):
        with pytest.raises(InputError, match=complaint):
            CTCDecoder(**{"symbols": SYMBOLS, **arguments})
    with pytest.raises(InputError, match=r"\(steps, 3\)"):
        CTCDecoder(SYMBOLS).push(np.zeros((2, 4)))
    with pytest.raises(InputError, match="NaN"):
        CTCDecoder(SYMBOLS).push(np.full((2, 3), np.nan))
