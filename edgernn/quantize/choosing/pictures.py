"""The pictures of a quantization report, as PNG files."""

from __future__ import annotations

from pathlib import Path

from edgernn.pages import ACCENT, BASELINE, INK, MODEL, figure
from edgernn.quantize.choosing.choice import Choice
from edgernn.quantize.choosing.search import Trial
from edgernn.quantize.report import QuantizationReport

_COLORS = (MODEL, ACCENT, BASELINE, INK)


def draw_errors(path: Path, choice: Choice) -> None:
    """What each layer costs when it alone is quantized, in each scheme."""
    names = list(dict.fromkeys(item.layer for item in choice.layers))
    schemes = list(dict.fromkeys(item.scheme for item in choice.layers))
    canvas, axes = figure(8, 1.4 + 0.5 * len(names))
    height = 0.8 / len(schemes)
    for number, scheme in enumerate(schemes):
        found = [item for item in choice.layers if item.scheme == scheme]
        rows = [names.index(item.layer) + (number - (len(schemes) - 1) / 2) * height for item in found]
        errors = [item.max_error for item in found]
        axes.barh(rows, errors, height=0.9 * height, color=_COLORS[number % 4], label=scheme)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("largest error of the outputs where this layer alone is quantized", color=INK)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    canvas.savefig(path)


def draw_sizes(path: Path, report: QuantizationReport) -> None:
    """Bytes of each weight before and after, the largest first."""
    tensors = sorted(report.tensors, key=lambda tensor: -tensor.bytes_before)[:16]
    canvas, axes = figure(8, 1.4 + 0.34 * len(tensors))
    rows = range(len(tensors))
    axes.barh(
        rows, [item.bytes_before / 1000 for item in tensors], height=0.7, color=BASELINE, label="float32"
    )
    axes.barh(rows, [item.bytes_after / 1000 for item in tensors], height=0.4, color=MODEL, label="now")
    axes.set_yticks(list(rows), [f"{item.name} ({item.scheme})" for item in tensors])
    axes.invert_yaxis()
    axes.set_xlabel("kB", color=INK)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    canvas.savefig(path)


def draw_trials(path: Path, choice: Choice) -> None:
    """Every file that was measured: its size and error or score; those that nothing beats joined."""
    canvas, axes = figure(8, 4)
    for holds, color, label in ((True, ACCENT, "inside the budget"), (False, BASELINE, "outside")):
        chosen = [trial for trial in choice.trials if trial.holds is holds]
        sizes, values = [trial.bytes / 1000 for trial in chosen], [trial.value for trial in chosen]
        axes.scatter(sizes, values, color=color, s=28, label=label)
    front = pareto(choice.trials, larger_is_better=choice.budget.at_least)
    axes.plot(
        [trial.bytes / 1000 for trial in front], [trial.value for trial in front], color=INK, linewidth=0.9,
        linestyle="--", zorder=0, label="nothing is smaller and better",
    )  # fmt: skip
    taken = choice.trials[choice.chosen]
    axes.scatter(
        [taken.bytes / 1000], [taken.value], s=130, facecolors="none", edgecolors=MODEL, linewidths=2
    )
    axes.annotate(
        "taken", (taken.bytes / 1000, taken.value), xytext=(10, -15), textcoords="offset points", color=MODEL
    )
    axes.axhline(choice.budget.bound, color=MODEL, linewidth=0.9)
    axes.set_xlabel("size of the file, kB", color=INK)
    axes.set_ylabel(choice.budget.name, color=INK)
    axes.legend(frameon=False, fontsize=9)
    canvas.savefig(path)


def pareto(trials: tuple[Trial, ...], *, larger_is_better: bool) -> list[Trial]:
    """The files that no other beats in both size and value, by size."""
    front: list[Trial] = []
    sign = -1 if larger_is_better else 1
    for trial in sorted(trials, key=lambda item: (item.bytes, sign * item.value)):
        if not front or sign * trial.value < sign * front[-1].value:
            front.append(trial)
    return front
