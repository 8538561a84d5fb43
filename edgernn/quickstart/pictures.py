"""The quickstart's pictures, as PNG files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgernn.pages import ACCENT, BASELINE, INK, MODEL, TRUTH, figure


def draw_forecast(
    path: Path, truth: np.ndarray, forecast: np.ndarray, persistence: np.ndarray, unit: str, shown: int = 120
) -> None:
    """The last `shown` held-out values, the network's forecasts of them, and persistence's."""
    canvas, axes = figure(10, 3.6)
    steps = np.arange(len(truth))[-shown:]
    axes.plot(steps, persistence[-shown:], color=BASELINE, linewidth=1.1, linestyle=":", label="persistence")
    axes.plot(steps, truth[-shown:], color=TRUTH, linewidth=1.6, label="truth")
    axes.plot(steps, forecast[-shown:], color=MODEL, linewidth=1.4, label="LSTM, one step ahead, streamed")
    axes.set_xlabel("held-out step", color=INK)
    axes.set_ylabel(unit or "value", color=INK)
    axes.legend(frameon=False, fontsize=9, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.16))
    canvas.savefig(path)


def draw_training(path: Path, history: Sequence[dict[str, float]], best_epoch: int) -> None:
    """Training and validation loss by epoch, with the epoch whose weights were kept."""
    canvas, axes = figure(6, 3.2)
    epochs = [item["epoch"] for item in history]
    axes.plot(epochs, [item["train_loss"] for item in history], color=ACCENT, label="training")
    axes.plot(epochs, [item["validation_loss"] for item in history], color=MODEL, label="validation")
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
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.set_xlabel("epoch", color=INK)
    axes.set_ylabel("loss (log scale)", color=INK)
    axes.legend(frameon=False, fontsize=9)
    canvas.savefig(path)
