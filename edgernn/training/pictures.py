"""Pictures of a training run, as figures: losses, forecasts, how far the gradient reaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgernn.pages import ACCENT, BASELINE, GRID, INK, MODEL, TRUTH, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from edgernn.training.gradient_flow import GradientFlow


def draw_losses(history: Sequence[Mapping[str, float]], best_epoch: int) -> Figure:
    """Training and validation loss by epoch, with the epoch whose weights were kept."""
    canvas, axes = figure(6, 3.2)
    epochs = [item["epoch"] for item in history]
    mark = "o" if len(epochs) == 1 else None
    axes.plot(epochs, [item["train_loss"] for item in history], color=ACCENT, label="training", marker=mark)
    validation = [item["validation_loss"] for item in history]
    axes.plot(epochs, validation, color=MODEL, label="validation", marker=mark)
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
    logarithmic = all(item[f"{part}_loss"] > 0 for item in history for part in ("train", "validation"))
    if logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("epoch", color=INK)
    axes.set_ylabel("loss (log scale)" if logarithmic else "loss", color=INK)
    axes.legend(frameon=False, fontsize=9)
    made: Figure = canvas
    return made


def draw_forecasts(
    truth: np.ndarray, forecasts: Mapping[str, np.ndarray], unit: str, where: str = "step", shown: int = 120
) -> Figure:
    """The last `shown` values of a series, and forecasts of each of them.

    Args:
        truth: (time,).
        forecasts: (time,) each, by what they are called; the last one is the network's.
        unit: of the values.
        where: what a step is one of.
        shown: how many.
    """
    canvas, axes = figure(10, 3.6)
    steps = np.arange(len(truth))[-shown:]
    *others, own = forecasts
    for name in others:
        axes.plot(steps, forecasts[name][-shown:], color=BASELINE, linewidth=1.1, linestyle=":", label=name)
    axes.plot(steps, truth[-shown:], color=TRUTH, linewidth=1.6, label="truth")
    axes.plot(steps, forecasts[own][-shown:], color=MODEL, linewidth=1.4, label=own)
    axes.set_xlabel(where, color=INK)
    axes.set_ylabel(unit or "value", color=INK)
    axes.legend(frameon=False, fontsize=9, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.16))
    made: Figure = canvas
    return made


def draw_gradient_flow(flow: GradientFlow) -> Figure:
    """The norm of the gradient at each time step of each recurrent layer, in one epoch."""
    canvas, axes = figure(7, 3.2)
    colors = (ACCENT, MODEL, BASELINE, TRUTH)
    for number, layer in enumerate(flow.layers):
        norms = np.array(layer.by_step)
        # Nothing arrives behind a row's end; a logarithm has no place for that.
        shown = np.where(norms > 0, norms, np.nan)
        style = "-" if number < len(colors) else "--"
        verdict = "" if layer.verdict == "ok" else f" ({layer.verdict})"
        axes.plot(shown, style, color=colors[number % len(colors)], label=layer.name + verdict)
    axes.set_yscale("log")
    axes.tick_params(which="minor", labelsize=8, colors=INK)
    axes.set_xlabel("time step", color=INK)
    axes.set_ylabel("norm of the gradient", color=INK)
    axes.set_title(f"epoch {flow.epoch}", color=INK, fontsize=9, loc="left")
    axes.spines[["left", "bottom"]].set_color(GRID)
    if flow.layers:
        axes.legend(frameon=False, fontsize=9)
    made: Figure = canvas
    return made
