"""Time against size of everything that was tried, as a picture."""

from __future__ import annotations

import os

from edgernn.files import atomic_path
from edgernn.pages import figure
from edgernn.tune.report import Trial, TuneReport, fastest_of_each_file

_INK, _FAINT = "#0f172a", "#64748b"
_COLORS = ("#2563eb", "#ea580c", "#059669", "#9333ea", "#dc2626", "#0891b2", "#ca8a04", "#475569")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def draw_pareto(report: TuneReport, path: str | os.PathLike[str]) -> None:
    """Draw each file at its fastest: microseconds a step against its size, to `path` (.png, .svg, .pdf).

    Colours are schemes, marks are forms of the recurrence; the line joins those that no other file beats in
    both, and the ring is the chosen one.

    Raises MissingDependencyError where matplotlib is missing, InputError where `path` cannot be written.
    """
    picture, axes = figure(8.5, 5)
    points = fastest_of_each_file(report.trials)
    schemes = list(dict.fromkeys(trial.file.scheme for trial in points))
    forms = list(dict.fromkeys(trial.file.recurrence for trial in points))
    for trial in points:
        axes.scatter(
            trial.file.bytes / 1e3,
            trial.latency.p50,
            color=_COLORS[schemes.index(trial.file.scheme) % len(_COLORS)],
            marker=_MARKERS[forms.index(trial.file.recurrence) % len(_MARKERS)],
            s=70,
            alpha=0.85,
            linewidths=0,
        )
    front = _front(points)
    axes.plot(
        [trial.file.bytes / 1e3 for trial in front],
        [trial.latency.p50 for trial in front],
        color=_FAINT,
        linewidth=1.2,
        linestyle="--",
        zorder=0,
    )
    best = report.best
    axes.scatter(
        best.file.bytes / 1e3, best.latency.p50, s=260, facecolors="none", edgecolors=_INK, linewidths=1.6
    )
    axes.annotate(
        f"{best.file.recurrence}, {best.file.scheme}",
        (best.file.bytes / 1e3, best.latency.p50),
        xytext=(12, 12),
        textcoords="offset points",
        color=_INK,
        fontweight="bold",
    )
    for index, scheme in enumerate(schemes):
        axes.scatter([], [], color=_COLORS[index % len(_COLORS)], marker="o", label=scheme)
    for index, form in enumerate(forms):
        axes.scatter([], [], color=_FAINT, marker=_MARKERS[index % len(_MARKERS)], label=form)
    axes.legend(frameon=False, fontsize=9, ncols=2)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("size of the file, kB", color=_FAINT)
    axes.set_ylabel("µs a time step, median", color=_FAINT)
    axes.set_title(f"What was tried, each file at its fastest: {len(points)} files", loc="left", color=_INK)
    with atomic_path(path) as temporary:
        ending = os.path.splitext(os.fspath(path))[1].lstrip(".") or "png"
        picture.savefig(temporary, dpi=150, format=ending, facecolor="white")


def _front(points: list[Trial]) -> list[Trial]:
    """Those that no other is both faster and smaller than; `points` begin with the fastest."""
    front: list[Trial] = []
    for trial in points:
        if not front or trial.file.bytes < front[-1].file.bytes:
            front.append(trial)
    return front
