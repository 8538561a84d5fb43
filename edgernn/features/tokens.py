"""Sentences as numbers: each word by a vocabulary, and by its own bytes.

A word's number is that of its small letters with zeros for digits, so that few words are unknown; its bytes
keep what that takes away: capitals, digits, endings. Both need the manifest alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgernn.errors import InputError
from edgernn.features.symbols import END, OTHER, WORD


@dataclass(frozen=True)
class Token:
    """A word or sign, and the characters of the text where it stands (end exclusive)."""

    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The words and signs of a text, as they are written.

    Example:
        >>> [token.text for token in tokens("Mr. O'Hara, 5%")]
        ['Mr', '.', "O'Hara", ',', '5', '%']
    """
    return [Token(match.group(), *match.span()) for match in WORD.finditer(text)]


def normal_form(word: str) -> str:
    """A word as the vocabulary has it."""
    return re.sub(r"\d", "0", word.lower())


def token_vocabulary(
    sentences: Iterable[Sequence[str]], *, minimum_count: int = 1, size: int | None = None
) -> tuple[str, ...]:
    """The words that stand at least `minimum_count` times in the sentences, the most frequent first.

    Args:
        sentences: the training part.
        minimum_count: times that a word must stand there.
        size: most entries, the two special ones included; None: no limit.
    """
    counts = Counter(normal_form(word) for sentence in sentences for word in sentence)
    kept = sorted((-count, word) for word, count in counts.items() if count >= minimum_count)
    return (END, OTHER, *(word for _, word in kept))[:size]


class TokenNumbers:
    """Numbers of words and of their bytes.

    Args:
        vocabulary: what `token_vocabulary` gave; as in the manifest.
        bytes_a_word: bytes that stand for a word. Of longer words the first and the last half are taken,
            shorter ones have zeros behind them.

    Raises:
        InputError: where the vocabulary is not one of words.

    Example:
        >>> TokenNumbers(("<end>", "<other>", "in"), bytes_a_word=3).words(["In", "Ulm"])
        [2, 1]
        >>> TokenNumbers(("<end>", "<other>", "in"), bytes_a_word=3).characters(["In", "Ulm"])
        [[74, 111, 0], [86, 109, 110]]
    """

    def __init__(self, vocabulary: Sequence[str], bytes_a_word: int) -> None:
        if tuple(vocabulary[:2]) != (END, OTHER):
            raise InputError(
                f"vocabulary: one of words begins with {END!r}, {OTHER!r}; found {list(vocabulary[:2])}."
            )
        self.bytes_a_word = bytes_a_word
        self._numbers = {word: number for number, word in enumerate(vocabulary)}

    def words(self, sentence: Sequence[str]) -> list[int]:
        """The number of each word; 1 for one that the vocabulary does not hold."""
        return [self._numbers.get(normal_form(word), 1) for word in sentence]

    def characters(self, sentence: Sequence[str]) -> list[list[int]]:
        """For each word `bytes_a_word` numbers: UTF-8 plus 1, and zeros behind."""
        return [self._bytes(word.encode("utf-8")) for word in sentence]

    def _bytes(self, word: bytes) -> list[int]:
        length = self.bytes_a_word
        if len(word) > length:
            last = length // 2
            word = word[: length - last] + word[len(word) - last :]
        return [value + 1 for value in word] + [0] * (length - len(word))
