"""A quantization report as a folder: report.json, report.html, pictures."""

from __future__ import annotations

import os
from pathlib import Path

from edgernn.errors import InputError
from edgernn.files import write_text
from edgernn.pages import require_report_packages, write_html
from edgernn.quantize.report import QuantizationReport


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Raise before any work is done where the report could not be written.

    Raises:
        InputError: where `folder` is a file.
        MissingDependencyError: where matplotlib or jinja2 is missing.
    """
    if Path(folder).is_file():
        raise InputError(f"report: {str(folder)!r} is a file; name a folder.")
    require_report_packages()


def write_report(folder: str | os.PathLike[str], report: QuantizationReport) -> None:
    """Write report.json, report.html, which needs no other file, and its pictures into `folder`.

    Raises:
        InputError: where `folder` is a file.
        MissingDependencyError: where matplotlib or jinja2 is missing.
    """
    check_folder(folder)
    from edgernn.quantize.choosing import pictures

    place = Path(folder)
    try:
        (place / "pictures").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"report: {str(folder)!r} cannot be made: {error.strerror}.") from error
    drawn = {"sizes": place / "pictures" / "sizes.png"}
    pictures.draw_sizes(drawn["sizes"], report)
    if report.choice is not None:
        drawn |= {name: place / "pictures" / f"{name}.png" for name in ("errors", "trials")}
        pictures.draw_errors(drawn["errors"], report.choice)
        pictures.draw_trials(drawn["trials"], report.choice)
    write_text(place / "report.json", report.to_json(indent=2) + "\n")
    stored = None if report.choice is None else report.choice.trials[report.choice.chosen].schemes
    values = {"report": report, "choice": report.choice, "stored": stored}
    write_html(place / "report.html", __package__, drawn, **values)
