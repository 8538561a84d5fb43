"""What a search for options tells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from edgernn.cli.console import next_steps, table
from edgernn.cli.folders import export_words
from edgernn.cli.score_tables import scores

if TYPE_CHECKING:
    from edgernn.training import SearchReport


def print_search(console: Console, report: SearchReport) -> None:
    """Print the trials, the best one first, its scores, and how to go on with it."""
    from edgernn.training.option_search.picture import PICTURE_FILE

    names = list(dict.fromkeys(name for trial in report.trials for name in trial.options))
    complete_first = sorted(
        report.trials, key=lambda trial: (trial.state != "complete", trial.validation_loss or float("inf"))
    )
    rows = [
        (
            trial.number,
            trial.state,
            trial.validation_loss,
            trial.epochs,
            *(trial.options[name] for name in names),
        )
        for trial in complete_first
    ]
    console.print(table("Trials", ("trial", "state", "validation loss", "epochs", *names), rows))
    console.print(f"Picture: {Path(report.folder) / PICTURE_FILE}", soft_wrap=True)
    best = report.best_trial
    assert best is not None
    console.print(f"Best: trial {best.number}, {best.folder}", soft_wrap=True)
    console.print(scores(report.scores))
    next_steps(
        console,
        (export_words(best.folder, report.recipe, report.recipe), "the best trial as a file for the device"),
        (["evaluate", best.folder, "--data", "other.csv"], "score it on other data"),
    )
