"""report.html: one file that needs no other, pictures included."""

from __future__ import annotations

import base64
from importlib.resources import files
from pathlib import Path

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
    from jinja2 import Environment, StrictUndefined

    from edgernn.files import write_text

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(
        files("edgernn.quickstart").joinpath("template.html").read_text("utf-8")
    )
    scores = score_table(report.scores)
    page = template.render(
        report=report,
        scores=scores,
        score_names=list(next(iter(scores.values()))),
        checks=sum(file.checks for file in report.files),
        checks_passed=sum(file.checks for file in report.files if file.passed),
        push=report.timings.edgernn.latency.p50,
        smallest=next(file.bytes for file in report.files if file.name == STREAM_INT8),
        pictures={name: _as_data(picture) for name, picture in pictures.items()},
        next=next_steps,
    )
    write_text(path, page)


def _as_data(picture: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()
