"""Numbers in words, and texts that are kept apart."""

from __future__ import annotations

import pytest

from edgernn.errors import InputError
from edgernn.training.spoken_texts import is_scored, number_texts, number_words, sentence_texts


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (20, "twenty"),
        (742, "seven hundred forty two"),
        (1_000, "one thousand"),
        (90_017, "ninety thousand seventeen"),
        (300_000_004, "three hundred million four"),
    ],
)
def test_numbers_in_words(number: int, words: str) -> None:
    assert number_words(number) == words


def test_numbers_are_told_apart_and_others_refused() -> None:
    assert len({number_words(number) for number in range(0, 1_000_000, 97)}) == len(range(0, 1_000_000, 97))
    with pytest.raises(InputError, match="from 0 to 999,999,999, found -1"):
        number_words(-1)


def test_no_text_is_both_learned_from_and_scored() -> None:
    learned = {text for seed in range(3) for text in number_texts(200, seed, scored=False)}
    scored = {text for seed in range(3) for text in number_texts(50, seed, scored=True)}
    assert not learned & scored
    assert not any(map(is_scored, learned))
    assert all(map(is_scored, scored))
    assert {word for text in scored for word in text.split()} <= {w for t in learned for w in t.split()}


def test_the_same_seed_draws_the_same_texts() -> None:
    for draw in (number_texts, sentence_texts):
        assert draw(40, 3, False) == draw(40, 3, False) != draw(40, 4, False)
        assert len(set(draw(40, 3, False))) == 40
    with pytest.raises(InputError, match="too few"):
        sentence_texts(100_000, 0, scored=True)
