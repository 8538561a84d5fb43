"""The quickstart's pictures, as PNG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgernn.pages import BASELINE, INK, MODEL, TRUTH, figure


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
