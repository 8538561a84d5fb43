"""`edgernn train`: train a recipe's network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgernn.cli import completion
from edgernn.cli.options import Json, Settings
from edgernn.cli.outcome import Outcome


def command(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE",
            help="The name of a recipe that ships with edgernn, or the folder of your own.",
            autocompletion=completion.recipes,
            show_default=False,
        ),
    ],
    data: Annotated[
        str | None, typer.Option(help="Your data.", show_default="what comes with the recipe")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="A column of the data to learn; may be repeated.")
    ] = None,
    time_column: Annotated[str | None, typer.Option(help="The column with dates or times.")] = None,
    season: Annotated[int | None, typer.Option(help="Time steps a season has.")] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of the values, e.g. °C.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="The run folder.", show_default="runs/RECIPE-DATE-TIME"
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Most passes over the data.")] = None,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without a better validation loss before training stops.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all that is random.", show_default="0")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    device: Annotated[str, typer.Option(help="Where to train: auto, cpu, gpu, …")] = "auto",
    settings: Settings = None,
    list_options: Annotated[
        bool, typer.Option("--options", help="List the recipe's own options, for --set, and stop.")
    ] = False,
    json: Json = False,
) -> Outcome:
    """Train a network on a recipe: your data in, a run folder out, with scores beside plain baselines.

    A run that was stopped continues with --resume and ends as if it had not been.
    """
    from edgernn.cli.console import next_steps
    from edgernn.cli.recipe_options import merge, options_outcome
    from edgernn.training import train

    if list_options:
        return options_outcome(recipe)
    options = merge(settings, column=column, time_column=time_column, season=season, unit=unit)
    report = train(
        recipe,
        data=data,
        options=options,
        out=out,
        seed=seed,
        max_epochs=epochs,
        patience=patience,
        resume=resume,
        device=device,
        quiet=json,
    )

    def show(console: Console) -> None:
        # `train` has told the scores itself, line by line as they came.
        model = Path(report.folder).name + ".onnx"
        next_steps(
            console,
            (["export", report.folder, "-o", model, "--streaming"], "a file that runs sample by sample"),
            (["evaluate", report.folder, "--data", "other.csv"], "score it on other data"),
        )

    return Outcome(report.to_json(), show)
