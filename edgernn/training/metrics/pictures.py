"""Pictures of how well classes are told apart: the confusion matrix and the ROC curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from edgernn.pages import ACCENT, BASELINE, INK, figure
from edgernn.training.metrics.classification import RocCurve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Above this many classes, numbers in the cells and curves of their own would cover each other.
_MOST_NUMBERED = 25
_MOST_CURVES = 10


def draw_confusion(counts: Tensor, labels: Sequence[str]) -> Figure:
    """A row for what is, a column for what was said; shades are shares of a row, numbers are samples.

    Args:
        counts: (classes, classes).
        labels: names of the classes.
    """
    classes = len(labels)
    size = min(max(3.6, 0.55 * classes + 1.8), 14)
    canvas, axes = figure(size + 0.8, size)
    shares = counts / counts.sum(1, keepdim=True).clamp(min=1)
    image = axes.imshow(shares.numpy(), cmap="Blues", vmin=0, vmax=1)
    canvas.colorbar(image, ax=axes, label="share of the row", fraction=0.046, pad=0.03)
    axes.grid(False)
    small = 9 if classes <= _MOST_NUMBERED else 6
    axes.set_xticks(range(classes), labels, rotation=45, ha="right", rotation_mode="anchor", fontsize=small)
    axes.set_yticks(range(classes), labels, fontsize=small)
    axes.set_xlabel("said", color=INK)
    axes.set_ylabel("is", color=INK)
    right, total = int(counts.diagonal().sum()), int(counts.sum())
    axes.set_title(f"Confusion: {right} of {total} samples right", loc="left", fontsize=11)
    if classes <= _MOST_NUMBERED:
        for row in range(classes):
            for column in range(classes):
                dark = float(shares[row, column]) > 0.5
                axes.text(
                    column, row, str(int(counts[row, column])), ha="center", va="center", fontsize=small,
                    color="white" if dark else INK,
                )  # fmt: skip
    made: Figure = canvas
    return made


def draw_roc(curves: Sequence[RocCurve]) -> Figure:
    """True against false positives of each class; of many classes those with the least area, which matter.

    Args:
        curves: one or more. Of two classes one is drawn: the other is its mirror.
    """
    from matplotlib import colormaps

    mean = sum(curve.area for curve in curves) / len(curves)
    shown = sorted(curves, key=lambda curve: curve.area)[:_MOST_CURVES]
    if len(curves) == 2:
        shown = [curves[-1]]
    canvas, axes = figure(6.6, 5)
    axes.plot([0, 1], [0, 1], ":", color=BASELINE, label="chance 0.500")
    colors = [ACCENT] if len(shown) == 1 else [colormaps["tab10"](n) for n in range(len(shown))]
    for curve, color in zip(shown, colors, strict=True):
        axes.plot(
            curve.false_positives, curve.true_positives, color=color, label=f"{curve.label} {curve.area:.3f}"
        )
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.set_xlabel("false positives ÷ samples of other classes", color=INK)
    axes.set_ylabel("true positives ÷ samples of the class", color=INK)
    left_out = f"; {len(shown)} of {len(curves)} classes shown" if 2 < len(shown) < len(curves) else ""
    axes.set_title(f"ROC: mean area {mean:.3f}{left_out}", loc="left", fontsize=11)
    axes.legend(frameon=False, fontsize=9, loc="lower right", title="area under the curve", title_fontsize=9)
    made: Figure = canvas
    return made
