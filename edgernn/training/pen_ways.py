"""Written words as the ways that a pen goes from point to point: what a network learns to write by.

The unit is the same for all that a writer wrote: the ink of a letter is 4.5 of it long, in the middle, which
makes it about as high as small letters. A word begins at its left end, on its line.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from edgernn.strokes import Drawing, resampled, transformed
from edgernn.strokes.following import DONE, LIFTED
from edgernn.strokes.simplification import line_of, simplified, smoothed
from edgernn.training.writings import Writing

# Behind a sequence's end, in place of what the pen does.
PADDING = -1.0
# What stands behind a text.
END = "<end>"

_INK_OF_A_LETTER = 4.5
# In that unit: between points before they are smoothed; how far simpler strokes may stray; longest pieces.
_STEP, _TOLERANCE, _LONGEST = 0.08, 0.05, 0.8
# Letters that reach below the line, of some hands at least.
_DESCENDING = set("fgjpqyzQJ")


@dataclass(frozen=True, eq=False)
class Word:
    """A word as it was written.

    Attributes:
        ways: (points, 3): from the point before to the right and down, in units; and what the pen does after
            it, 0 writes on, 1 is lifted, 2 has written the word.
        text: what it says.
        writer: who wrote it.
    """

    ways: Tensor
    text: str
    writer: str


def units(writings: Sequence[Writing]) -> dict[str, float]:
    """The unit of each writer, in the drawings' own."""
    inks = defaultdict(list)
    for writing in writings:
        pieces = [np.diff(stroke[:, :2], axis=0) for stroke in writing.drawing.strokes]
        ink = sum(float(np.hypot(piece[:, 0], piece[:, 1]).sum()) for piece in pieces)
        inks[writing.writer].append(ink / len(writing.label))
    return {writer: float(np.median(found)) / _INK_OF_A_LETTER or 1.0 for writer, found in inks.items()}


def as_words(writings: Sequence[Writing], units: dict[str, float]) -> list[Word]:
    """The ways of labelled drawings, given the unit of each writer."""
    return [
        Word(ways_of(item.drawing, item.label, units[item.writer]), item.label, item.writer)
        for item in writings
    ]


def ways_of(drawing: Drawing, text: str, unit: float) -> Tensor:
    """A word's ways, (points, 3), see `Word`."""
    drawing = transformed(drawing, np.eye(2) / unit)
    drawing = simplified(smoothed(resampled(drawing, _STEP)), _TOLERANCE, _LONGEST)
    origin = drawing.points[:, 0].min(), line_of(drawing, descends=bool(_DESCENDING & set(text)))
    ways = np.diff(np.concatenate([[origin], drawing.points]), axis=0)
    pen = np.zeros(len(ways))
    pen[np.cumsum([len(stroke) for stroke in drawing.strokes]) - 1] = LIFTED
    pen[-1] = DONE
    return torch.tensor(np.column_stack([ways, pen]), dtype=torch.float32)


class Ways(Dataset):
    """Words to learn from; a sample is (points, text, writer, target), see `HandwritingWriter`.

    Random numbers come from torch's global generator.

    Args:
        words: of writers and symbols that are known.
        vocabulary: `END` and the symbols.
        writers: their names.
        text_length: most symbols of a text.
        shear, stretch: spread of slant and of size that each sample is changed by, drawn anew each time.
    """

    def __init__(
        self,
        words: Sequence[Word],
        vocabulary: Sequence[str],
        writers: Sequence[str],
        text_length: int,
        *,
        shear: float = 0.0,
        stretch: float = 0.0,
    ) -> None:
        self.words, self.shear, self.stretch = list(words), shear, stretch
        symbols = {symbol: number for number, symbol in enumerate(vocabulary)}
        known = {writer: number for number, writer in enumerate(writers)}
        self.texts = [
            torch.tensor([*(symbols[s] for s in word.text), *[0] * (text_length - len(word.text))])
            for word in words
        ]
        self.writers = [torch.tensor(known[word.writer]) for word in words]

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        target = self.words[index].ways
        if self.shear or self.stretch:
            matrix = torch.eye(2) + self.stretch * torch.randn(2) * torch.eye(2)
            matrix[0, 1] = self.shear * torch.randn(())
            target = torch.cat([target[:, :2] @ matrix.T, target[:, 2:]], dim=1)
        return points_before(target), self.texts[index], self.writers[index], target


def points_before(target: Tensor) -> Tensor:
    """What the network is told before each point of (points, 3) ways: the one before it."""
    start = target.new_tensor([[0.0, 0.0, 1.0]])
    told = torch.cat([target[:, :2], (target[:, 2:] > 0).to(target.dtype)], dim=1)
    return torch.cat([start, told[:-1]])


def padded(samples: list[tuple[Tensor, Tensor, Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A batch; behind the ends of targets the pen does `PADDING`."""
    points, texts, writers, targets = zip(*samples, strict=True)
    return (
        pad_sequence(list(points), batch_first=True),
        torch.stack(texts),
        torch.stack(writers),
        pad_sequence(list(targets), batch_first=True, padding_value=PADDING),
    )


def distinct(writings: Sequence[Writing]) -> list[Writing]:
    """Each drawing once: collections hold words in several of their parts."""
    found: dict[tuple[str, str, bytes], Writing] = {}
    for item in writings:
        found.setdefault((item.writer, item.label, item.drawing.points.tobytes()), item)
    return list(found.values())


def symbols_of(texts: Sequence[str], least: int) -> tuple[str, ...]:
    """`END` and the symbols that stand in the texts `least` times or more, sorted."""
    counts = Counter(symbol for text in texts for symbol in text)
    return (END, *sorted(symbol for symbol, count in counts.items() if count >= least))
