"""Text as numbers: bytes or words, by a vocabulary that stands in a file's manifest.

Symbol 0 fills shorter texts of a batch up. A vocabulary of bytes has UTF-8's 256 behind it; one of words has
symbol 1 for every word that it does not hold. Which of both a vocabulary is, its second entry tells, so an
app needs the manifest alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from edgernn.errors import InputError

END, OTHER = "<end>", "<other>"
BYTE_VOCABULARY = (END, *(f"<0x{value:02X}>" for value in range(256)))

# Letters, digits and what stands inside words ("don't", "film-maker"); any other sign alone.
WORD = re.compile(r"[\w'’-]+|[^\w\s]")


def words(text: str) -> list[str]:
    """The words and signs of a text, in small letters."""
    return WORD.findall(text.lower())


def word_vocabulary(
    texts: Iterable[str], *, minimum_count: int = 1, size: int | None = None
) -> tuple[str, ...]:
    """The words that at least `minimum_count` texts hold, the most frequent first.

    Args:
        texts: the training part.
        minimum_count: texts that a word must stand in.
        size: most entries, the two special ones included; None: no limit.
    """
    counts = Counter(word for text in texts for word in set(words(text)))
    kept = sorted((-count, word) for word, count in counts.items() if count >= minimum_count)
    found = (END, OTHER, *(word for _, word in kept))
    return found if size is None else found[:size]


class Symbols:
    """Numbers of a text's symbols.

    Args:
        vocabulary: `BYTE_VOCABULARY`, or what `word_vocabulary` gave; as in the manifest.

    Raises:
        InputError: where it is neither.

    Example:
        >>> Symbols(BYTE_VOCABULARY).encode("né")
        [111, 196, 170]
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = tuple(vocabulary)
        self.bytes = self.vocabulary == BYTE_VOCABULARY
        if not self.bytes and self.vocabulary[:2] != (END, OTHER):
            raise InputError(
                "vocabulary: it is neither one of bytes nor one of words, which begins with "
                f"{END!r}, {OTHER!r}; found {list(self.vocabulary[:3])}."
            )
        self._numbers = {} if self.bytes else {word: n for n, word in enumerate(self.vocabulary)}

    def encode(self, text: str) -> list[int]:
        """The numbers of a text's symbols; [0] of a text without any."""
        if self.bytes:
            return [value + 1 for value in text.encode("utf-8")] or [0]
        return [self._numbers.get(word, 1) for word in words(text)] or [0]
