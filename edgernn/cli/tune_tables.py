"""A search's report as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from edgernn.cli.console import file_size, table

if TYPE_CHECKING:
    from edgernn.tune import TuneReport


def worth_a_thought(report: TuneReport) -> Table:
    """Those that no other beats in time, size and error at once; times relative to the chosen one."""
    best = report.best
    return table(
        "Not beaten in time, size and error at once",
        ("form", "scheme", "steps of a file", "µs a step", "× the chosen", "size", "error", "threads"),
        [
            (
                trial.file.recurrence,
                trial.file.scheme,
                "any" if trial.file.steps is None else trial.file.steps,
                f"{trial.latency.p50:.3g}",
                f"{trial.latency.p50 / best.latency.p50:.2f}",
                file_size(trial.file.bytes),
                f"{trial.file.relative_error:.2g}",
                trial.threads,
            )
            for trial in report.pareto
        ],
    )


def dropped(report: TuneReport) -> Table:
    """Those that take no part, each with its reason."""
    return table(
        "Dropped",
        ("form", "scheme", "steps of a file", "because"),
        [
            (file.recurrence, file.scheme, "any" if file.steps is None else file.steps, file.dropped)
            for file in report.files
            if file.dropped
        ],
    )
