"""What the commands that train tell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from edgernn.cli.console import print_note, stdout, table
from edgernn.cli.score_tables import scores

if TYPE_CHECKING:
    from edgernn.training import TrainReport


def say(text: str) -> None:
    """Print a line that training tells while it runs."""
    stdout().print(text, soft_wrap=True)


def print_training(console: Console, report: TrainReport) -> None:
    """Print what came of a training run: scores, where the time went, what the gradient warns of."""
    from edgernn.training.profile import PROFILE_FOLDER, TRACE_FILE, read_profile

    console.print(scores(report.scores))
    rows = read_profile(Path(report.folder))
    if rows:
        for part, title in ((True, "Where the time of a training step goes"), (False, "Slowest operators")):
            found = [
                (row.name, round(row.calls, 1), row.milliseconds, f"{row.share:.0%}")
                for row in rows
                if row.part == part
            ]
            console.print(table(title, ("", "calls a step", "ms a step", "share"), found))
        trace = Path(report.folder) / PROFILE_FOLDER / TRACE_FILE
        console.print(f"Trace for ui.perfetto.dev: {trace}", soft_wrap=True)
    for warning in report.warnings:
        print_note(warning)
