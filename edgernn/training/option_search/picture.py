"""A picture of a search: the validation loss against each option that was searched for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgernn.pages import ACCENT, BASELINE, INK, MODEL, panels, save_figure
from edgernn.training.option_search.report import SearchReport, Trial

PICTURE_FILE = "search.png"
# From this ratio of the largest to the least value on, an axis is logarithmic.
_WIDE = 20


def draw_search(report: SearchReport, path: Path) -> None:
    """Draw a panel an option; trials that ended early are crosses, the best one stands out.

    Args:
        report: of the search, with one trial or more that has a loss.
        path: the PNG file.
    """
    trials = [trial for trial in report.trials if trial.validation_loss is not None]
    names = list(dict.fromkeys(name for trial in trials for name in trial.options))
    kinds = {
        "complete": [trial for trial in trials if trial.state == "complete" and trial.number != report.best],
        "ended early": [trial for trial in trials if trial.state != "complete"],
        "best": [trial for trial in trials if trial.number == report.best],
    }
    marks: dict[str, dict[str, Any]] = {
        "complete": {"color": ACCENT, "marker": "o", "s": 28},
        "ended early": {"color": BASELINE, "marker": "x", "s": 28},
        "best": {"color": MODEL, "marker": "o", "s": 60},
    }
    canvas, axes = panels(3.1 * len(names), 3.2, columns=len(names))
    losses = [float(trial.validation_loss or 0.0) for trial in trials]
    for name, panel in zip(names, axes, strict=True):
        values = [trial.options[name] for trial in trials]
        named = any(isinstance(value, str | bool) for value in values)
        order = sorted(dict.fromkeys(map(str, values))) if named else []
        for kind, found in kinds.items():
            x = [_place(trial, name, order) for trial in found]
            panel.scatter(x, [trial.validation_loss for trial in found], label=kind, **marks[kind])
        if named:
            panel.set_xticks(range(len(order)), order)
            panel.margins(x=0.3)
        elif _wide(values):
            panel.set_xscale("log")
        if _wide(losses):
            panel.set_yscale("log")
        panel.set_xlabel(name.replace("_", " "), color=INK)
    axes[0].set_ylabel("least validation loss", color=INK)
    axes[-1].legend(frameon=False, fontsize=8)
    save_figure(canvas, path)


def _place(trial: Trial, name: str, order: Sequence[str]) -> float:
    value = trial.options[name]
    return order.index(str(value)) if order else float(value)


def _wide(values: Sequence[float]) -> bool:
    return min(values) > 0 and max(values) > _WIDE * min(values)
