"""Text as the numbers of its characters or bytes, and back, by a vocabulary that stands in a file's manifest.

A vocabulary of characters begins with one entry for every character that it does not hold. One of bytes is
`edgernn.features.symbols.BYTE_VOCABULARY`.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Sequence

from edgernn.errors import InputError
from edgernn.features.symbols import BYTE_VOCABULARY, OTHER

# What stands for a character that a vocabulary does not hold, when numbers become text.
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def character_vocabulary(texts: Iterable[str]) -> tuple[str, ...]:
    """The characters of the training part, in the order of their code points."""
    return (OTHER, *sorted({character for text in texts for character in text}))


class Characters:
    """Numbers of a text's characters or bytes.

    Args:
        vocabulary: `BYTE_VOCABULARY`, or what `character_vocabulary` gave; as in the manifest.

    Raises:
        InputError: where it is neither.

    Example:
        >>> characters = Characters(character_vocabulary(["abba"]))
        >>> characters.encode("abc")
        [1, 2, 0]
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = tuple(vocabulary)
        self.bytes = self.vocabulary == BYTE_VOCABULARY
        if not self.bytes and (
            self.vocabulary[:1] != (OTHER,) or any(len(entry) != 1 for entry in self.vocabulary[1:])
        ):
            raise InputError(
                f"vocabulary: it is neither one of bytes nor one of characters, which begins with {OTHER!r}; "
                f"found {list(self.vocabulary[:3])}."
            )
        self._numbers = {entry: n for n, entry in enumerate(self.vocabulary)}

    def encode(self, text: str) -> list[int]:
        """The numbers of a text's symbols."""
        if self.bytes:
            return [value + 1 for value in text.encode("utf-8")]
        return [self._numbers.get(character, 0) for character in text]

    def decoder(self) -> Callable[[int], str]:
        """A function that takes number after number and gives the text that each completes.

        Of bytes it gives nothing until a character is whole. What is no text becomes U+FFFD.
        """
        if not self.bytes:
            return lambda number: self.vocabulary[number] if number else REPLACEMENT
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        return lambda number: decode(bytes([number - 1])) if number else decode(b"", final=True)
