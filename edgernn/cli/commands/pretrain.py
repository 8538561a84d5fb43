"""`edgernn pretrain`: train a recipe's recurrent layers on data without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgernn.cli import completion
from edgernn.cli.options import Json, Settings
from edgernn.cli.outcome import Outcome
from edgernn.cli.training_options import (
    BatchSize,
    Clip,
    Device,
    Dropout,
    Epochs,
    LearningRate,
    Patience,
    RunFolder,
    Schedule,
    Seed,
    WeightDecay,
)


def command(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE",
            help="The recipe whose network it is: its name, or the folder of your own.",
            autocompletion=completion.recipes,
            show_default=False,
        ),
    ],
    data: Annotated[
        str | None, typer.Option(help="Data as the recipe reads them; their labels are not used.")
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            help="What is learned, e.g. next-symbol or predictive-coding.",
            autocompletion=completion.objectives,
            show_default="the recipe's first",
        ),
    ] = None,
    out: RunFolder = None,
    epochs: Epochs = None,
    patience: Patience = None,
    seed: Seed = None,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="RUN", help="The run folder of a pre-training that stopped."),
    ] = None,
    learning_rate: LearningRate = None,
    schedule: Schedule = None,
    clip: Clip = None,
    weight_decay: WeightDecay = None,
    dropout: Dropout = None,
    batch_size: BatchSize = None,
    device: Device = "auto",
    settings: Settings = None,
    json: Json = False,
) -> Outcome:
    """Train a network's recurrent layers on data without labels; finetune then needs fewer of them.

    The run folder is what `edgernn finetune RECIPE --from` begins from: with its weights, its normalisation
    and its vocabulary.
    """
    from edgernn.cli.console import next_steps
    from edgernn.cli.recipe_options import merge
    from edgernn.cli.score_tables import scores
    from edgernn.cli.training_tables import say
    from edgernn.errors import InputError
    from edgernn.training import pretrain

    if resume is not None and out is not None and resume != out:
        raise InputError(f"--out: a resumed run goes on in its own folder, {str(resume)!r}. Leave --out out.")
    options = merge(
        settings,
        learning_rate=learning_rate,
        schedule=schedule,
        gradient_clip=clip,
        weight_decay=weight_decay,
        dropout=dropout,
        batch_size=batch_size,
    )
    report = pretrain(
        recipe,
        data=data,
        objective=objective,
        options=options,
        out=out if resume is None else resume,
        seed=seed,
        max_epochs=epochs,
        patience=patience,
        resume=resume is not None,
        device=device,
        quiet=json,
        say=say,
    )

    def show(console: Console) -> None:
        console.print(scores(report.scores, "Scores on data that were put aside"))
        words = ["finetune", recipe, "--from", report.folder, "--data", "labelled.csv"]
        next_steps(console, (words, "learn your labels from here"))

    return Outcome(report.to_json(), show)
