"""Latency as a picture, for reports."""

from __future__ import annotations

import os

from edgernn.bench.report import BenchReport, Measurement
from edgernn.bench.table import number
from edgernn.files import atomic_path
from edgernn.pages import figure

_OWN, _OTHER, _TAIL, _INK, _FAINT = "#2563eb", "#cbd5e1", "#64748b", "#0f172a", "#64748b"


def draw_latency(report: BenchReport, path: str | os.PathLike[str]) -> None:
    """Draw a bar for the median latency of each way, with a whisker to its 99th percentile, to `path`.

    The format follows the file's ending: .png, .svg, .pdf.

    Raises MissingDependencyError where matplotlib is missing, InputError where `path` cannot be written.
    """
    items = report.measurements
    picture, axes = figure(8.5, 1.5 + 0.55 * len(items))
    rows = range(len(items))
    medians = [item.latency.p50 for item in items]
    axes.barh(rows, medians, height=0.62, color=[_OWN if index == 0 else _OTHER for index in rows])
    for row, item in enumerate(items):
        tail = item.latency.p99
        axes.plot([item.latency.p50, tail], [row, row], color=_TAIL, linewidth=1.2)
        axes.plot([tail, tail], [row - 0.13, row + 0.13], color=_TAIL, linewidth=1.2)
        axes.annotate(
            _label(item), (tail, row), xytext=(7, 0), textcoords="offset points", va="center", fontsize=10,
            color=_INK, fontweight="bold" if row == 0 else "normal",
        )  # fmt: skip
    axes.set_yticks(list(rows), [item.name for item in items], fontsize=10.5)
    axes.invert_yaxis()
    # Room for the labels to the right of the longest whisker.
    axes.set_xlim(0, 1.6 * max(item.latency.p99 for item in items))
    axes.set_xlabel("µs a call: median, and the 99th percentile as a whisker", color=_FAINT, fontsize=9.5)
    axes.tick_params(length=0, labelcolor=_INK)
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color="#e2e8f0", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    call = "Stream.push" if report.form == "stream" else "Session.run"
    axes.set_title(
        f"{os.path.basename(report.path)}\n", loc="left", fontsize=13, fontweight="bold", color=_INK
    )
    axes.text(
        0, 1.02,
        f"{call}, {report.steps} step{'s' if report.steps > 1 else ''} a call, batch {report.batch}, "
        f"{report.threads} thread{'s' if report.threads > 1 else ''}; {report.machine.get('processor', '')}",
        transform=axes.transAxes, fontsize=9.5, color=_FAINT,
    )  # fmt: skip
    with atomic_path(path) as temporary:
        ending = os.path.splitext(os.fspath(path))[1].lstrip(".") or "png"
        picture.savefig(temporary, dpi=160, format=ending, facecolor="white")


def _label(item: Measurement) -> str:
    text = f"{number(item.latency.p50)} µs"
    return text if item.ratio is None else f"{text}   edgernn takes {item.ratio.median:.2f} ×"
