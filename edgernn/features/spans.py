"""Answers that are stretches of a text: from words to numbers, and from probabilities back to characters.

What an app needs beside a file of the recipe answer-spans; numpy alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError
from edgernn.features.symbols import END, OTHER
from edgernn.features.tokens import Token, normal_form, tokens

# Numbers behind the vocabulary's, for words that it does not hold: that two of them are the same word says
# where an answer may be, whatever the word means.
UNKNOWN_NUMBERS = 4096
LONGEST_ANSWER = 20

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Span:
    """Words of a text from `start` to `end`, exclusive, and how likely they are the answer."""

    start: int
    end: int
    probability: float = 1.0


def covering_words(words: Sequence[Token], start: int, end: int) -> Span:
    """The fewest words that hold the characters from `start` to `end`, exclusive.

    Raises:
        InputError: where no word holds any of them.
    """
    held = [n for n, word in enumerate(words) if word.start < end and word.end > start]
    if not held:
        raise InputError(f"span: characters {start} to {end} touch none of the text's {len(words)} words.")
    return Span(held[0], held[-1] + 1)


def best_span(start: Floats, end: Floats, longest: int = LONGEST_ANSWER) -> Span:
    """The likeliest words from a start to an end that is not before it.

    Args:
        start, end: (time,), the probability of each word to be the answer's first and its last one.
        longest: most words of an answer.
    """
    joint = np.triu(np.outer(start, end))
    joint -= np.triu(joint, k=longest)
    first, last = np.unravel_index(int(joint.argmax()), joint.shape)
    return Span(int(first), int(last) + 1, float(joint[first, last]))


class SpanNumbers:
    """Numbers of words, where words that the vocabulary does not hold are told from one another too.

    Args:
        vocabulary: what `edgernn.features.tokens.token_vocabulary` gave; as in the manifest.

    Raises:
        InputError: where the vocabulary is not one of words.

    Example:
        >>> numbers = SpanNumbers(("<end>", "<other>", "in"))
        >>> found = numbers.words(["In", "Ulm", "ulm"])
        >>> found[0], found[1] == found[2] >= 3
        (2, True)
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        if tuple(vocabulary[:2]) != (END, OTHER):
            raise InputError(
                f"vocabulary: one of words begins with {END!r}, {OTHER!r}; found {list(vocabulary[:2])}."
            )
        self._numbers = {word: number for number, word in enumerate(vocabulary)}

    def words(self, words: Sequence[str]) -> list[int]:
        """The number of each word: its place in the vocabulary, or one behind it by the word's CRC-32."""
        return [self._number(normal_form(word)) for word in words]

    def question(self, text: str, width: int) -> list[int]:
        """The numbers of a question's first `width` words, and zeros behind."""
        numbers = self.words([token.text for token in tokens(text)])[:width]
        return numbers + [0] * (width - len(numbers))

    def _number(self, word: str) -> int:
        unknown = len(self._numbers) + zlib.crc32(word.encode("utf-8")) % UNKNOWN_NUMBERS
        return self._numbers.get(word, unknown)


def context_and_question(
    words: Sequence[Token], question: str, vocabulary: Sequence[str], width: int
) -> tuple[Numbers, Numbers]:
    """The inputs of a file for one question.

    Args:
        words: of the context, as `edgernn.features.tokens.tokens` gives them.
        question: about it.
        vocabulary: of the file's manifest.
        width: words a question that the file takes: the last dimension of its second input.

    Returns:
        (1, words) and (1, width).
    """
    numbers = SpanNumbers(vocabulary)
    context = numbers.words([token.text for token in words])
    return np.array([context], np.int64), np.array([numbers.question(question, width)], np.int64)
