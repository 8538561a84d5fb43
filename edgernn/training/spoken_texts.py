"""Texts to speak: numbers in words and short sentences, drawn from a seed; some are kept apart for scores."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Sequence

from edgernn.errors import InputError

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_LARGE = ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))

_WHO = "the teacher|my brother|a young woman|the old man|your friend|the doctor|our neighbour|a small child"
_DOES = "finds|carries|paints|remembers|watches|brings|likes|needs"
_WHAT = "a red apple|the green book|some fresh bread|two letters|a wooden box|the silver coin|warm milk"
_WHERE = "in the garden|near the river|at home|behind the house|on the table|before dinner|every morning"

# Of so many texts one is only scored, whoever draws them.
_SCORED = 5
LARGEST = 999_999_999


def number_words(number: int) -> str:
    """A whole number from 0 to 999,999,999 in English words, without "and" or hyphens.

    Example:
        >>> number_words(1742)
        'one thousand seven hundred forty two'
    """
    if not 0 <= number <= LARGEST:
        raise InputError(f"number: must be from 0 to {LARGEST:,}, found {number}.")
    for size, name in _LARGE:
        if number >= size:
            rest = number % size
            return f"{number_words(number // size)} {name}" + (f" {number_words(rest)}" if rest else "")
    if number < len(_ONES):
        return _ONES[number]
    return _TENS[number // 10 - 2] + (f" {_ONES[number % 10]}" if number % 10 else "")


def is_scored(text: str) -> bool:
    """Whether a text is only ever scored: decided by the text alone, so that no training set holds it.

    Single words never are: who never heard "zero" cannot say it.
    """
    return " " in text and zlib.crc32(text.encode()) % _SCORED == 0


def number_texts(count: int, seed: int, scored: bool) -> list[str]:
    """Different numbers below a million, the short ones as likely as the long ones.

    Those to learn from begin with the numbers that are one word.

    Args:
        count: how many.
        seed: what is drawn follows from it.
        scored: whether they are texts that are only scored, or those to learn from.
    """
    drawn = random.Random(seed)
    texts = [number_words(number) for number in (*range(20), *range(20, 100, 10))]
    return _different(count, scored, lambda: number_words(drawn.randrange(10 ** drawn.randint(2, 6))), texts)


def sentence_texts(count: int, seed: int, scored: bool) -> list[str]:
    """As `number_texts`, short sentences: who does what where."""
    drawn = random.Random(seed)
    parts = [part.split("|") for part in (_WHO, _DOES, _WHAT, _WHERE)]
    return _different(count, scored, lambda: " ".join(drawn.choice(part) for part in parts))


def _different(count: int, scored: bool, draw: Callable[[], str], first: Sequence[str] = ()) -> list[str]:
    found = dict.fromkeys(text for text in first[:count] if is_scored(text) == scored)
    for _ in range(100 * count + 1000):
        if len(found) == count:
            break
        text = draw()
        if is_scored(text) == scored:
            found[text] = None
    if len(found) < count:
        raise InputError(f"texts: there are too few different ones for {count}. Ask for fewer.")
    return list(found)
