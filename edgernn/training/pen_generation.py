"""What a network in training writes: words as strokes, and a picture of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from edgernn.cells import State
from edgernn.models import HandwritingWriter
from edgernn.pages import INK, panels
from edgernn.strokes.following import Foreseen, Written, follow
from edgernn.training.pen_ways import Ways

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 4
# How neat the words of the picture are.
_BIAS = 1.0


@torch.no_grad()
def write_word(
    model: HandwritingWriter, text: Tensor, writer: Tensor, generator: np.random.Generator, *, bias: float
) -> Written:
    """Write a word, as `edgernn.runtime.handwriting` does with a file.

    Args:
        model: the network, in evaluation mode.
        text: (text_length,) numbers of symbols.
        writer: whose hand, a scalar.
        generator: where random numbers come from.
        bias: see `edgernn.strokes.following.draw_way`.
    """
    state: State | None = None

    def step(point: np.ndarray) -> Foreseen:
        nonlocal state
        told = torch.tensor(point, dtype=torch.float32).reshape(1, 1, -1)
        *found, state = model.advance(told, text[None], writer[None], state)
        return Foreseen(*(each[0, -1].numpy() for each in found))

    return follow(step, int((text > 0).sum()), generator, bias=bias)


def draw_written(model: HandwritingWriter, part: Ways, writers: Sequence[str], shown: int) -> Figure:
    """Words of a data set as the network writes them, by the hands that wrote them there."""
    chosen = sorted({int(place) for place in np.linspace(0, len(part) - 1, shown)})
    generator = np.random.default_rng(0)
    columns = min(_COLUMNS, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    canvas, all_axes = panels(2.4 * columns, 1.6 * rows, rows=rows, columns=columns)
    for axes in all_axes:
        axes.set_axis_off()
    for axes, place in zip(all_axes, chosen, strict=False):
        written = write_word(model, part.texts[place], part.writers[place], generator, bias=_BIAS)
        for stroke in written.strokes:
            dot = "." if len(stroke) == 1 else ""
            axes.plot(stroke[:, 0], stroke[:, 1], color=INK, linewidth=1.4, marker=dot, markersize=3)
        axes.set_aspect("equal", adjustable="datalim")
        axes.invert_yaxis()
        title = f"{part.words[place].text} ({writers[int(part.writers[place])]})"
        axes.set_title(title, fontsize=9, color=INK, parse_math=False)
    made: Figure = canvas
    return made
