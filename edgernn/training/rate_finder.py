"""Looking for a learning rate: the loss while the rate grows from too small to too large.

The range test of Smith (2017, "Cyclical learning rates for training neural networks"): the network trains for
some steps, each with a larger rate than the one before. Where the loss falls most steeply, learning is
fastest; where it rises, the rate is too large. It only says what it found: no run is trained with it.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgernn.errors import InputError
from edgernn.files import write_text
from edgernn.pages import ACCENT, BASELINE, INK, MODEL, figure, save_figure
from edgernn.training.find import find_recipe
from edgernn.training.fit import check_device, new_model
from edgernn.training.folder import new_folder
from edgernn.training.noise import quiet_lightning
from edgernn.training.options import read_options
from edgernn.training.recipe import Recipe, locate_data

REPORT_FILE, TABLE_FILE, PICTURE_FILE = "learning_rate.json", "learning_rate.csv", "learning_rate.png"

# Weight of the loss so far in its running mean, and how often the least loss ends the test.
_SMOOTHING, _DIVERGED = 0.9, 4.0
# Steps at either end that say nothing yet, or nothing any more.
_FIRST, _LAST = 8, 3


@dataclass(frozen=True)
class RateReport:
    """What a range test found.

    Attributes:
        recipe: the recipe's name.
        folder: where the picture and the table are.
        source: which data it was, in one sentence.
        rates: learning rate of each step, ascending.
        losses: the running mean of the loss until each step.
        suggestion: the rate at which it fell most steeply; None where it never fell.
        diverged: the rate at which it rose to four times its least value; None where it did not.
        current: the rate of the options, for comparison.
    """

    recipe: str
    folder: str
    source: str
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float | None
    diverged: float | None
    current: float

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=indent)


def find_learning_rate(
    recipe: str | os.PathLike[str] | Recipe,
    *,
    data: str | os.PathLike[str] | None = None,
    options: Mapping[str, Any] | None = None,
    out: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    device: str = "auto",
    smallest: float = 1e-6,
    largest: float = 1.0,
    steps: int = 100,
) -> RateReport:
    """Train for some steps with a growing learning rate, and say at which one the loss falls most steeply.

    The folder gets `learning_rate.json`, `learning_rate.csv` and `learning_rate.png`.

    Args:
        recipe, data, options, seed, device: as for `train`; the optimiser, the size of a batch, clipping and
            all else are those of the options, and the rate found is one for them.
        out: the folder; None: `runs/<recipe>-learning-rate-<date>-<time>`.
        smallest, largest: the range of rates, which are spaced evenly in their logarithm.
        steps: of training, one a rate.

    Raises:
        InputError: what `train` raises, or a range or a number of steps that is none.
    """
    if not 0 < smallest < largest < math.inf:
        raise InputError(f"smallest, largest: must be 0 < smallest < largest, found {smallest}, {largest}.")
    if steps < 2 * (_FIRST + _LAST):
        raise InputError(f"steps: must be {2 * (_FIRST + _LAST)} or more, found {steps}.")
    if not isinstance(recipe, Recipe):
        recipe = find_recipe(recipe)
    chosen = read_options(recipe.options_type, options or {})
    prepared = recipe.prepare(chosen, locate_data(data, recipe.data_name))
    check_device(device)
    folder = new_folder(f"{recipe.name}-learning-rate", out)
    rates = [smallest * (largest / smallest) ** (step / (steps - 1)) for step in range(steps)]
    model = new_model(recipe, prepared, seed or 0)
    with quiet_lightning():
        from edgernn.training.rate_sweep import sweep

        losses = sweep(recipe, model, prepared, chosen, rates, seed=seed or 0, device=device)
    smooth, diverged = smoothed(losses)
    report = RateReport(
        recipe.name,
        str(folder),
        prepared.source,
        tuple(rates[: len(smooth)]),
        tuple(smooth),
        suggestion=steepest(rates, smooth),
        diverged=rates[len(smooth) - 1] if diverged else None,
        current=chosen.learning_rate,
    )
    write_text(folder / REPORT_FILE, report.to_json(indent=1) + "\n")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("learning_rate", "loss"))
    writer.writerows(zip(report.rates, report.losses, strict=True))
    write_text(folder / TABLE_FILE, text.getvalue())
    _draw(report, folder / PICTURE_FILE)
    return report


def smoothed(losses: list[float]) -> tuple[list[float], bool]:
    """The running mean of losses, without the bias of its start, until it diverges; and whether it did."""
    found: list[float] = []
    mean, least = 0.0, math.inf
    for step, loss in enumerate(losses, start=1):
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        value = mean / (1 - _SMOOTHING**step)
        if not math.isfinite(value):
            return found, True
        found.append(value)
        least = min(least, value)
        if step > _FIRST and value > _DIVERGED * least:
            return found, True
    return found, False


def steepest(rates: list[float], losses: list[float]) -> float | None:
    """The rate at which the loss falls most, for the same factor of the rate; None where it falls nowhere."""
    inside = range(_FIRST, len(losses) - _LAST)
    slopes = {step: losses[step + 1] - losses[step - 1] for step in inside}
    best = min(slopes, key=slopes.__getitem__, default=None)
    return None if best is None or slopes[best] >= 0 else rates[best]


def _draw(report: RateReport, path: Path) -> None:
    canvas, axes = figure(7, 3.4)
    axes.plot(report.rates, report.losses, color=ACCENT)
    least = min(report.losses)
    # What diverges would hide the rest.
    axes.set_ylim(least - 0.1 * (report.losses[0] - least), 1.5 * report.losses[0])
    axes.set_xscale("log")
    axes.set_xlabel("learning rate", color=INK)
    axes.set_ylabel("training loss, running mean", color=INK)
    if report.suggestion is not None:
        axes.axvline(report.suggestion, color=MODEL, label=f"steepest: {report.suggestion:.2g}")
    axes.axvline(report.current, color=BASELINE, linestyle="--", label=f"now: {report.current:.2g}")
    axes.legend(frameon=False, fontsize=9)
    save_figure(canvas, path)
