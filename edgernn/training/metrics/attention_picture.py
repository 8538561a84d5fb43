"""Pictures of attention: which places of the source a decoder looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edgernn.pages import INK, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_attention(drawn: Sequence[tuple[Sequence[str], Sequence[str], Any]]) -> Figure:
    """A square for each pair of symbols, the darker the larger the weight.

    Args:
        drawn: of each sentence: what was read, what was written, and the weights (written, read).
    """
    canvas: Figure
    canvas, first = figure(5.5 * len(drawn), 5.5)
    first.remove()
    for number, (source, target, weights) in enumerate(drawn, start=1):
        axes = canvas.add_subplot(1, len(drawn), number)
        axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        small = 8 if max(len(source), len(target)) <= 30 else 6
        axes.set_xticks(range(len(source)), source, rotation=90, fontsize=small)
        axes.set_yticks(range(len(target)), target, fontsize=small)
        axes.set_xlabel("read", color=INK)
        axes.set_ylabel("written", color=INK)
        axes.grid(False)
    return canvas
