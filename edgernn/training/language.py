"""What recipes that learn a language share: texts cut into parts, their streams, and scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from edgernn.errors import InputError
from edgernn.training.records import read_text_file, text_files
from edgernn.training.streams import Streams

# Steps of a window that is only scored: nothing but memory depends on it.
_SCORED_AT_ONCE = 1024


class Parts(NamedTuple):
    """Texts that are learned from, that choose the epoch, and that are only scored."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def read_plain_texts(path: Path, encoding: str = "utf-8") -> tuple[str, ...]:
    """The text of a file, or of each .txt file in a folder.

    Raises:
        InputError: a folder without any, or a file that is empty or in another encoding (with the line).
    """
    files = text_files(path) if path.is_dir() else [path]
    if not files:
        raise InputError(f"data: the folder {str(path)!r} holds no .txt file.")
    return tuple(read_text_file(file, encoding) for file in files)


def cut_off(texts: Sequence[str], share: float, what: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Each text without its last part, and that part, by its share of the characters.

    The part begins with the character before it, so that its own first one is foreseen too.

    Raises:
        InputError: where a text is too short.
    """
    kept, ends = [], []
    for text in texts:
        place = len(text) - round(share * len(text))
        if place < 2 or place >= len(text):
            raise InputError(
                f"data: a text of {len(text)} characters leaves none for the {what} part with a share of "
                f"{share:g}. Give more text, a larger {what}_size, or {what}_data."
            )
        kept.append(text[:place])
        ends.append(text[place - 1 :])
    return tuple(kept), tuple(ends)


def streams(texts: Sequence[Tensor], window: int, rows: int) -> Streams:
    """Texts as numbers of symbols: each symbol is an input, and the target of the one before it."""
    return Streams([ids[:-1] for ids in texts], [ids[1:] for ids in texts], window, rows)


def one_stream(texts: Sequence[Tensor]) -> Streams:
    """As `streams`, for scores: text after text, each from its start to its end."""
    return streams(texts, _SCORED_AT_ONCE, 1)


def symbols_to_score(part: Streams) -> Tensor:
    """All targets of a part, text after text."""
    return torch.cat(part.targets)
