"""report.html: one file that needs no other, pictures included."""

from __future__ import annotations

from pathlib import Path

from edgernn.pages import write_html
from edgernn.quickstart.report import QuickstartReport
from edgernn.quickstart.stages import STREAM_INT8
from edgernn.training import score_table


def write_page(path: Path, report: QuickstartReport, pictures: dict[str, Path], next_steps: str) -> None:
    """Write the report as HTML.

    Args:
        path: the file.
        report: what it shows.
        pictures: PNG files by name: "forecast", "training", "latency".
        next_steps: commands to type next.
    """
    scores = score_table(report.scores)
    write_html(
        path,
        "edgernn.quickstart",
        pictures,
        report=report,
        scores=scores,
        score_names=list(next(iter(scores.values()))),
        checks=sum(file.checks for file in report.files),
        checks_passed=sum(file.checks for file in report.files if file.passed),
        push=report.timings.edgernn.latency.p50,
        smallest=next(file.bytes for file in report.files if file.name == STREAM_INT8),
        next=next_steps,
    )
