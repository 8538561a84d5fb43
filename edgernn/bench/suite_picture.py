"""What suites found as pictures: time against size, and time against the size of the file."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgernn.bench.suite_report import Row, SuiteReport, counted
from edgernn.files import atomic_path
from edgernn.pages import figure

_COLORS = ("#2563eb", "#60a5fa", "#0891b2", "#0f172a", "#94a3b8", "#ea580c", "#9333ea", "#059669", "#be123c")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_FLOOR = "#64748b"

Points = Sequence[tuple[int, float]]


def draw_suite(report: SuiteReport, folder: str | os.PathLike[str]) -> list[Path]:
    """Draw what a suite's rows hold of times by size and scheme, into a folder; the files.

    For each network two pictures, of its simplest call that was measured: latency-NETWORK.png and
    pareto-NETWORK.png. A suite without schemes has none.

    Raises MissingDependencyError where matplotlib is missing, InputError where a file cannot be written.
    """
    written = []
    networks = dict.fromkeys(row.case["network"] for row in report.rows if "scheme" in row.case)
    for network in networks:
        rows = [row for row in report.rows if row.case.get("network") == network]
        call = min(_call(row) for row in rows)
        rows = [row for row in rows if _call(row) == call]
        name = "".join(letter if letter.isalnum() or letter == "-" else "_" for letter in str(network))
        layers, steps, batch, threads = call
        title = (
            f"{network}: {counted(layers, 'layer')}, {counted(steps, 'step')} a call, "
            f"batch {batch}, {counted(threads, 'thread')}"
        )
        latency, pareto = (Path(folder) / f"{kind}-{name}.png" for kind in ("latency", "pareto"))
        if len({row.hidden_size for row in rows}) > 1:
            draw_by_size(*_lines(rows), title, latency)
            written.append(latency)
        _draw_pareto(rows, title, pareto)
        written.append(pareto)
    return written


def draw_by_size(
    lines: Mapping[str, Points], floor: Points, title: str, path: str | os.PathLike[str]
) -> None:
    """Draw microseconds a step against a layer's units, both logarithmic.

    Args:
        lines: (units, microseconds) of each way; names that begin with "edgernn" are drawn through.
        floor: the same of reading every float32 weight once; empty where it is not known.
        title: over the picture.
        path: where to.
    """
    picture, axes = figure(8.5, 5)
    for color, (name, points) in zip(itertools.cycle(_COLORS), lines.items(), strict=False):
        style = "-" if name.startswith("edgernn") else "--"
        looks = {"color": color, "marker": "o", "markersize": 5, "label": name}
        axes.plot(*zip(*sorted(points), strict=True), style, **looks)
    if floor:
        label = "floor: read every float32 weight once"
        axes.plot(*zip(*sorted(floor), strict=True), ":", color=_FLOOR, label=label)
    sizes = sorted({size for points in lines.values() for size, _ in points})
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    _plain_numbers(axes.yaxis)
    axes.set_xlabel("units of the layer, and as many inputs")
    axes.set_ylabel("µs a step, median")
    axes.set_title(title, loc="left")
    axes.legend(frameon=False, fontsize=9)
    with atomic_path(path) as temporary:
        picture.savefig(temporary, dpi=150, format="png", facecolor="white")


def _plain_numbers(*axes: Any) -> None:
    """10 and 0.5 in the place of powers of ten, between them too."""
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    for axis in axes:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(StrMethodFormatter(""))


def _call(row: Row) -> tuple[int, ...]:
    return tuple(int(row.case[name]) for name in ("layers", "steps", "batch", "threads"))


def _lines(rows: Sequence[Row]) -> tuple[dict[str, list[tuple[int, float]]], list[tuple[int, float]]]:
    """Those of each scheme and of what it is held against, and the floor of float32."""
    lines: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        lines.setdefault(f"edgernn, {row.case['scheme']}", []).append((row.hidden_size, row.microseconds))
    for row in {row.hidden_size: row for row in rows}.values():
        lines.setdefault(row.ratio.to, []).append((row.hidden_size, row.baseline_microseconds))
    plain = [row for row in rows if row.case["scheme"] == "float32"]
    return lines, [(row.hidden_size, row.floor_microseconds or 0.0) for row in plain]


def _draw_pareto(rows: Sequence[Row], title: str, path: Path) -> None:
    """Microseconds a step against the size of the file; colours are schemes, marks are units."""
    picture, axes = figure(8.5, 5)
    schemes = list(dict.fromkeys(row.case["scheme"] for row in rows))
    sizes = sorted({row.hidden_size for row in rows})
    for row in rows:
        color = _COLORS[schemes.index(row.case["scheme"]) % len(_COLORS)]
        marker = _MARKERS[sizes.index(row.hidden_size) % len(_MARKERS)]
        axes.scatter((row.file_bytes or 0) / 1e3, row.microseconds, color=color, marker=marker, s=60)
    for size in sizes:  # what no other file of as many units beats in both
        best: list[Row] = []
        for row in sorted((row for row in rows if row.hidden_size == size), key=lambda row: row.microseconds):
            if not best or (row.file_bytes or 0) < (best[-1].file_bytes or 0):
                best.append(row)
        xs, ys = [(row.file_bytes or 0) / 1e3 for row in best], [row.microseconds for row in best]
        axes.plot(xs, ys, "--", color=_FLOOR, linewidth=1.1, zorder=0)
    for index, scheme in enumerate(schemes):
        axes.scatter([], [], color=_COLORS[index % len(_COLORS)], marker="o", label=str(scheme))
    for index, size in enumerate(sizes):
        axes.scatter([], [], color=_FLOOR, marker=_MARKERS[index % len(_MARKERS)], label=f"{size} units")
    axes.set_xscale("log")
    axes.set_yscale("log")
    _plain_numbers(axes.xaxis, axes.yaxis)
    axes.set_xlabel("size of the file, kB")
    axes.set_ylabel("µs a step, median")
    axes.set_title(title, loc="left")
    axes.legend(frameon=False, fontsize=9, ncols=2)
    with atomic_path(path) as temporary:
        picture.savefig(temporary, dpi=150, format="png", facecolor="white")
