"""What the commands that train tell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from edgernn.cli.console import print_note, stdout, table
from edgernn.cli.score_tables import scores

if TYPE_CHECKING:
    from edgernn.training import FinetuneReport, TrainReport


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


def print_finetuning(console: Console, report: FinetuneReport) -> None:
    """Print the scores before and after, on the new data and on the old."""
    training = report.training
    pretrained = f", pretrained by {report.pretraining}" * bool(report.pretraining)
    console.print(f"Began from {report.parent}{pretrained}", soft_wrap=True)

    def compared(before: dict[str, float], after: dict[str, float], title: str) -> None:
        names = [name for name in after if "/" not in name]
        rows = [(name, before[name], after[name], after[name] - before[name]) for name in names]
        console.print(table(title, ("score", "before", "after", "change"), rows))

    compared(training.scores_before, training.scores, "On the new data, held-out test part")
    if report.old_after:
        title = "On the old data, held-out test part" + (", under the old last layer" * report.old_head)
        compared(report.old_before, report.old_after, title)
    elif not report.pretraining:
        print_note(f"the data of {report.parent} are not there any more: forgetting was not measured.")
    if training.trained_parameters < training.parameters:
        console.print(f"Trained {training.trained_parameters:,} of {training.parameters:,} numbers")
    if training.drawn_anew:
        console.print(f"Drawn anew: {', '.join(training.drawn_anew)}", soft_wrap=True)
