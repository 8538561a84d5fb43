"""A picture of drawings and what was read of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from edgernn.pages import BASELINE, INK, MODEL, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS, _HIGH = 6, 0.65


def draw_readings(drawings: Sequence[Tensor], truth: Sequence[str], read: Sequence[str]) -> Figure:
    """Each drawing with what was read above it; where that is wrong, in red, with what it is.

    Args:
        drawings: rows of points (points, 3), see `edgernn.strokes.point_rows`.
        truth: what each is.
        read: what was read.
    """
    columns = min(_COLUMNS, len(drawings))
    rows = math.ceil(len(drawings) / columns)
    canvas, axes = figure(1.9 * columns, 1.25 * rows)
    axes.set_axis_off()
    for number, (drawing, right, found) in enumerate(zip(drawings, truth, read, strict=True)):
        # A cell is 1 wide and _HIGH high; its text stands at the top, and the drawing fills the rest.
        column, row = number % columns, number // columns
        low, high = drawing[:, :2].amin(0), drawing[:, :2].amax(0)
        wide, tall = (high - low).clamp(min=1e-3).tolist()
        scale = min(0.85 / wide, 0.65 * _HIGH / tall)
        middle = torch.tensor([column + 0.5, (row + 0.6) * _HIGH])
        places = (drawing[:, :2] - (low + high) / 2) * scale + middle
        starts = [*drawing[:, 2].nonzero().flatten().tolist(), len(drawing)]
        for begin, end in pairwise(starts):
            x, y = places[begin:end].T.numpy()
            axes.plot(x, y, color=INK, linewidth=1.4, marker="." if end - begin == 1 else "", markersize=3)
        axes.plot(*places[0].numpy(), "o", color=BASELINE, markersize=3.5)
        axes.text(
            column + 0.5, (row + 0.12) * _HIGH, found if found == right else f"{found or '–'}  ≠ {right}",
            ha="center", va="center", fontsize=10, color=INK if found == right else MODEL, parse_math=False,
        )  # fmt: skip
    axes.set(xlim=(0, columns), ylim=(rows * _HIGH, 0), aspect="equal")
    made: Figure = canvas
    return made
