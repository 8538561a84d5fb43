"""`edgernn explain`: why a trained network answers what it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgernn.cli.options import Json, RecipeFolder
from edgernn.cli.outcome import Outcome


def command(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run folder of edgernn train.", show_default=False)
    ],
    given: Annotated[
        str | None,
        typer.Option(
            "--input",
            "-i",
            metavar="TEXT|FILE",
            help="A text, or a file: .txt, or .csv and .npy with a row for each time step.",
            show_default="the run's example",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="The label or output to explain.", show_default="the most likely label, or the first"
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="A folder for pictures, tables and JSON."),
    ] = None,
    recipe: RecipeFolder = None,
    json: Json = False,
) -> Outcome:
    """Show which time steps and features an answer comes from, and what states and gates did meanwhile.

    The answer is shared out by integrated gradients; exit code 1 says that the shares do not add up to it.
    """
    from edgernn.cli.arrays import read_csv, read_npy
    from edgernn.cli.console import print_note, table, working
    from edgernn.explain import explain
    from edgernn.training.config import RunConfig
    from edgernn.training.records import read_text_file

    value: object = given
    if given is not None and Path(given).suffix.lower() in (".txt", ".csv", ".npy"):
        file = Path(given)
        if file.suffix.lower() == ".npy":
            value = read_npy(file, "--input")
        elif file.suffix.lower() == ".csv":
            value = read_csv(file, RunConfig.read(run).options.get("column") or ())
        else:
            from edgernn.files import existing_file

            value = read_text_file(existing_file(file, "--input")).strip()
    with working("Explaining …"):
        found = explain(run, value, target=target, out=out, recipe=recipe)  # type: ignore[arg-type]
    shares = found.attribution

    def show(console: Console) -> None:
        console.print(f"Input: {found.input}", soft_wrap=True)
        console.print(
            f"{found.target}: {shares.output:.4g}; {shares.baseline_output:.4g} for {shares.baseline}. "
            f"The shares add up to the difference but for {shares.error:.1e} ({shares.points} points).",
            soft_wrap=True,
        )
        flat = [
            (abs(value), step, name, feature, value)
            for step, (name, row) in enumerate(zip(found.steps, shares.values.tolist(), strict=True))
            for feature, value in zip(found.features, row, strict=True)
        ]
        rows = [row[1:] for row in sorted(flat, reverse=True)[:10]]
        console.print(table("Largest shares", ("step", "name", "feature", "share"), rows))
        if not shares.complete:
            print_note("the shares do not add up: take them for an estimate.")
        if out is not None:
            console.print(f"Written to {out}: {', '.join(found.files)}", soft_wrap=True)

    return Outcome(found.to_json(), show, passed=shares.complete)
