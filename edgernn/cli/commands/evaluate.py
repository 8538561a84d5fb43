"""`edgernn evaluate`: score a trained network on held-out data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgernn.cli.options import Json, RecipeFolder, Settings
from edgernn.cli.outcome import Outcome


def command(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run folder of edgernn train.", show_default=False)
    ],
    data: Annotated[str | None, typer.Option(help="Other data than the run's own.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Also write report.html, pictures and tables here."),
    ] = None,
    settings: Settings = None,
    recipe: RecipeFolder = None,
    json: Json = False,
) -> Outcome:
    """Score a trained network, and plain baselines, on the held-out part of its data or of other data."""
    from edgernn.cli.console import working
    from edgernn.cli.recipe_options import merge
    from edgernn.cli.score_tables import scores
    from edgernn.training import evaluate
    from edgernn.training.run_page import PAGE_FILE

    with working("Scoring …"):
        report = evaluate(run, data, options=merge(settings), recipe=recipe, out=out)

    def show(console: Console) -> None:
        console.print(f"Data: {report.source}", soft_wrap=True)
        console.print(scores(report.scores))
        if out is not None:
            console.print(f"Report: {out / PAGE_FILE}", soft_wrap=True)

    return Outcome(report.to_json(), show)
