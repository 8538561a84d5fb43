"""Stories and questions as numbers of words, as a file of the recipe question-answer takes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgernn.features.symbols import Symbols

Numbers = npt.NDArray[np.int64]

# Behind a full stop, a question or an exclamation mark and a blank, or at a line's end.
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text, cut where one ends and at line ends."""
    return tuple(part.strip() for part in _SENTENCE_END.split(text) if part.strip())


def word_numbers(texts: Sequence[str], symbols: Symbols, width: int) -> Numbers:
    """Numbers of each sentence's words: (sentences, width), zeros behind its end; longer ones are cut off."""
    rows = np.zeros((len(texts), width), np.int64)
    for row, text in zip(rows, texts, strict=True):
        numbers = symbols.encode(text)[:width]
        row[: len(numbers)] = numbers
    return rows


def story_and_question(
    story: Sequence[str], question: str, vocabulary: Sequence[str], width: int
) -> tuple[Numbers, Numbers]:
    """The inputs of a file for one question.

    Args:
        story: its sentences.
        question: about it.
        vocabulary: of the file's manifest.
        width: words a sentence that the file takes: the last dimension of its inputs.

    Returns:
        (1, sentences, width) and (1, width).
    """
    symbols = Symbols(vocabulary)
    return word_numbers(story, symbols, width)[None], word_numbers([question], symbols, width)
