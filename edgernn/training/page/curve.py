"""The curve of the losses over training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgernn.pages import ACCENT, INK, MODEL, figure, save_figure


def draw_training(path: Path, history: Sequence[dict[str, float]], best_epoch: int) -> None:
    """Training and validation loss by epoch, with the epoch whose weights were kept."""
    canvas, axes = figure(6, 3.2)
    epochs = [item["epoch"] for item in history]
    lines = {name: [item[f"{name}_loss"] for item in history] for name in ("train", "validation")}
    axes.plot(epochs, lines["train"], color=ACCENT, marker=".", label="training")
    axes.plot(epochs, lines["validation"], color=MODEL, marker=".", label="validation")
    axes.axvline(best_epoch, color=INK, linewidth=0.9, linestyle="--")
    axes.annotate(
        f"kept: epoch {best_epoch}",
        (best_epoch, axes.get_ylim()[1]),
        xytext=(-5, -4),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=9,
        color=INK,
    )
    # A loss that is the logarithm of a density may be below 0.
    logarithmic = all(value > 0 for line in lines.values() for value in line)
    if logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")
    axes.set_xlabel("epoch", color=INK)
    axes.set_ylabel("loss (log scale)" if logarithmic else "loss", color=INK)
    axes.legend(frameon=False, fontsize=9)
    save_figure(canvas, path)
