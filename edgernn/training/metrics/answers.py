"""Scores of answers that are stretches of a text, by SQuAD's rules (Rajpurkar et al. 2016)."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence


def answer_words(text: str) -> list[str]:
    """The words of an answer in small letters, without signs and English articles."""
    kept = "".join(sign for sign in text.lower() if not unicodedata.category(sign).startswith("P"))
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def exact_match(given: str, answers: Sequence[str]) -> float:
    """1 where an answer is one of those that people gave, else 0."""
    return float(any(answer_words(given) == answer_words(answer) for answer in answers))


def token_f1(given: str, answers: Sequence[str]) -> float:
    """Harmonic mean of precision and recall of the words, by the answer that it is nearest to."""
    return max(_f1(answer_words(given), answer_words(answer)) for answer in answers)


def _f1(given: list[str], answer: list[str]) -> float:
    if not given or not answer:
        return float(given == answer)
    shared = (Counter(given) & Counter(answer)).total()
    return 2 * shared / (len(given) + len(answer))
