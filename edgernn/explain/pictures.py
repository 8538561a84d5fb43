"""Pictures of attributions, and of states and gates, over time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgernn.pages import ACCENT, GRID, INK, MODEL, panels, save_figure

if TYPE_CHECKING:
    from edgernn.explain import Explanation
    from edgernn.explain.gates import LayerTrace
    from edgernn.explain.inputs import Explained

# Steps whose names fit below the columns.
_MOST_NAMED = 80


def draw_attribution(path: Path, explanation: Explanation, explained: Explained, unit: str) -> None:
    """The shares of the time steps: bars over symbols, or a map over features and the values below it."""
    attribution = explanation.attribution
    title = (
        f"{explanation.target}: {attribution.output:.3g}; {attribution.baseline_output:.3g} for "
        f"{attribution.baseline}"
    )
    told = f"share of the answer{f', {unit}' if unit else ''}"
    steps, features = attribution.values.shape
    text = explained.is_text
    if text or features == 1:
        canvas, rows = panels(_width(steps), 3.4 if text else 4.6, rows=1 if text else 2)
        shares = attribution.values[:, 0]
        rows[0].bar(range(steps), shares, color=[MODEL if share < 0 else ACCENT for share in shares])
        rows[0].axhline(0, color=INK, linewidth=0.8)
        rows[0].set_ylabel(told, color=INK)
    else:
        canvas, rows = panels(_width(steps), 2.6 + max(2.0, 0.28 * features), rows=2)
        image = _heat(rows[0], attribution.values.T, np.abs(attribution.values).max())
        canvas.colorbar(image, ax=rows[0], label=told, fraction=0.03, pad=0.01)
        rows[0].set_yticks(range(features), explained.features, fontsize=8)
    rows[0].set_title(title, loc="left", fontsize=11)
    if not explained.is_text:
        for name, line in zip(explained.features, explained.tensor[0].T.numpy(), strict=True):
            rows[1].plot(line, linewidth=1.1, label=name)
        rows[1].set_ylabel(f"input{f', {explained.unit}' if explained.unit else ''}", color=INK)
        if 1 < features <= 8:
            rows[1].legend(frameon=False, fontsize=8, ncols=min(features, 4))
    _name_steps(rows[-1], explained)
    save_figure(canvas, path)


def draw_trace(path: Path, layer: LayerTrace, explained: Explained) -> None:
    """A map for each state and gate: a row for each unit, a column for each time step."""
    steps, units = next(iter(layer.series.values())).shape
    height = min(max(1.0, 0.05 * units), 2.4)
    canvas, rows = panels(_width(steps), (height + 0.5) * len(layer.series) + 0.6, rows=len(layer.series))
    for number, (axes, (name, values)) in enumerate(zip(rows, layer.series.items(), strict=True)):
        is_state = number < layer.states
        image = _heat(axes, values.T, max(float(np.abs(values).max()), 1e-9))
        canvas.colorbar(image, ax=axes, fraction=0.03, pad=0.01)
        axes.set_ylabel(f"{'state' if is_state else 'gate'} {name}\nunit", color=INK, fontsize=9)
    rows[0].set_title(f"{layer.name}: states and gates over time", loc="left", fontsize=11)
    if steps == len(explained.steps):
        _name_steps(rows[-1], explained)
    else:
        rows[-1].set_xlabel(f"step of the layer, of {len(explained.steps)} time steps", color=INK)
    save_figure(canvas, path)


def _heat(axes: Any, values: np.ndarray, largest: float) -> Any:
    """White is 0; values that are never below it, as of gates, have colours of one kind."""
    axes.grid(False)
    positive = bool((values >= 0).all())
    return axes.imshow(
        values, aspect="auto", interpolation="nearest", cmap="Blues" if positive else "RdBu",
        vmin=0 if positive else -largest, vmax=largest,
    )  # fmt: skip


def _width(steps: int) -> float:
    return min(max(6.5, 0.32 * steps + 2.0), 22.0)


def _name_steps(axes: Any, explained: Explained) -> None:
    """Symbols below their columns; of values the number of the time step."""
    if explained.is_text and len(explained.steps) <= _MOST_NAMED:
        axes.set_xticks(
            range(len(explained.steps)), explained.steps, rotation=60, ha="right", rotation_mode="anchor"
        )
        axes.tick_params(axis="x", color=GRID)
    else:
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("symbol" if explained.is_text else "time step", color=INK)
