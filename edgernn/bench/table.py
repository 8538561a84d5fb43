"""Reports as tables for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgernn.bench.contenders.base import BY_HAND
from edgernn.bench.endurance import Endurance
from edgernn.bench.report import BenchReport, Measurement
from edgernn.bench.statistics import Ratio

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

_MEBIBYTE = 1 << 20


def render(report: BenchReport) -> RenderableType:
    """The report as a rich renderable: `rich.print(render(report))`."""
    from rich.console import Group

    return Group(_latencies(report), *_notes(report))


def number(value: float) -> str:
    """Three significant digits, without an exponent: 0.123, 12.3, 12,300."""
    if value == 0:
        return "0"
    decimals = 3 if value < 1 else 2 if value < 10 else 1 if value < 1000 else 0
    return f"{value:,.{decimals}f}"


def spread_text(ratio: Ratio) -> str:
    """What 80 % of the rounds lie between."""
    return f"{ratio.low:.2f}–{ratio.high:.2f}"


def _latencies(report: BenchReport) -> Table:
    from rich.table import Table

    what = "Stream.push" if report.form == "stream" else "Session.run"
    table = Table(
        title=f"{what} of {report.path}\nbatch {report.batch}, {report.steps} steps a call, "
        f"{report.threads} threads, {report.provider}; µs a call",
        title_justify="left",
    )
    table.add_column("", no_wrap=True)
    for column in ("p50", "p90", "p99", "p99.9", "steps/s", "ratio", "spread"):
        table.add_column(column, justify="right", no_wrap=True)
    for item in report.measurements:
        table.add_row(*_row(item), style="bold" if item is report.edgernn else None)
    return table


def _row(item: Measurement) -> list[str]:
    latency = item.latency
    times = (latency.p50, latency.p90, latency.p99, latency.p999)
    cells = [item.name, *map(number, times), f"{item.steps_per_second / 1e3:,.1f}k"]
    if item.ratio is not None:
        cells += [f"{item.ratio.median:.2f}", spread_text(item.ratio)]
    return cells


def _endurance(endurance: Endurance) -> list[str]:
    latency = endurance.latency
    times = ", ".join(
        f"{name} {number(value)}"
        for name, value in (
            ("p50", latency.p50),
            ("p99", latency.p99),
            ("p99.9", latency.p999),
            ("slowest", latency.maximum),
        )
    )
    resident = endurance.resident_growth_bytes
    grown = "" if resident is None else f"; the process grew by {number(resident / _MEBIBYTE)} MiB"
    return [
        f"{latency.calls:,} calls in a row, µs: {times}.",
        f"A call has at most {number(endurance.bytes_per_call)} bytes of Python memory in use and leaves "
        f"{number(abs(endurance.kept_bytes_per_call))} behind, in {endurance.watched_calls:,} calls{grown}.",
    ]


def _notes(report: BenchReport) -> list[str]:
    notes = ["ratio: time of edgernn ÷ time of this, median over rounds; spread: of 80 % of the rounds."]
    notes.append(
        "Slowest call: "
        + ", ".join(f"{item.name} {number(item.latency.maximum)} µs" for item in report.measurements)
        + "."
    )
    factor = report.edgernn.real_time_factor
    if factor is not None:
        notes.append(f"Real-time factor {factor:.2g}: computing a second of signal takes {number(factor)} s.")
    sizes = [
        f"{item.name} {number(item.file_bytes / 1024)} KiB"
        for item in report.measurements
        if item.file_bytes is not None and item.name != BY_HAND
    ]
    notes.append(f"File: {', '.join(sizes)}.")
    if report.cold_start is not None:
        start = report.cold_start
        notes.append(
            f"Cold start {number(start.total_ms)} ms: import {number(start.import_ms)}, "
            f"load {number(start.load_ms)}, first call {number(start.first_call_ms)}."
        )
        if start.memory_peak_bytes is not None and start.memory_before_bytes is not None:
            grown = (start.memory_peak_bytes - start.memory_before_bytes) / _MEBIBYTE
            notes.append(
                f"Peak memory {number(start.memory_peak_bytes / _MEBIBYTE)} MiB, of which the file and its "
                f"calls take {number(grown)} MiB."
            )
    if report.endurance is not None:
        notes += _endurance(report.endurance)
    if report.floor is not None and report.percent_of_floor is not None:
        notes.append(
            f"Floor {number(report.floor.microseconds)} µs, {report.percent_of_floor:.0f} % of a step: "
            f"reading {number(report.floor.weight_bytes / 1024)} KiB of weights at "
            f"{number(report.floor.bytes_per_second / 1e9)} GB/s."
        )
    if report.kernels:
        notes.append(f"edgernn's own kernels: {report.kernels}.")
    notes += [f"Not measured: {name}: {reason}" for name, reason in report.skipped.items()]
    machine = report.machine
    if machine:
        notes.append(
            f"{machine['processor']}, {machine['cores']} cores; {machine['system']}; "
            f"Python {machine['python']}, onnxruntime {machine['onnxruntime']}; {report.rounds} rounds."
        )
    return notes
