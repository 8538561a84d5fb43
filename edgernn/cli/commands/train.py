"""`edgernn train`: train a recipe's network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgernn.cli import completion
from edgernn.cli.options import Json, Settings
from edgernn.cli.outcome import Outcome
from edgernn.cli.process_options import Devices, Nodes
from edgernn.cli.train_modes import FindRate, Search, Trials
from edgernn.cli.training_options import (
    BatchSize,
    ClassWeights,
    Clip,
    Device,
    Dropout,
    Epochs,
    LearningRate,
    Optimizer,
    Patience,
    Precision,
    Qat,
    RunFolder,
    Schedule,
    Seed,
    WeightDecay,
    rounding,
)


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
    words: Annotated[
        str | None, typer.Option(help="Words for espeak-ng to say, joined by commas, to be found in sound.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of the values, e.g. °C.")] = None,
    out: RunFolder = None,
    epochs: Epochs = None,
    patience: Patience = None,
    seed: Seed = None,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="RUN", help="The run folder of a training that stopped, to go on."),
    ] = None,
    optimizer: Optimizer = None,
    learning_rate: LearningRate = None,
    schedule: Schedule = None,
    clip: Clip = None,
    weight_decay: WeightDecay = None,
    dropout: Dropout = None,
    batch_size: BatchSize = None,
    class_weights: ClassWeights = None,
    precision: Precision = None,
    gradient_flow: Annotated[
        bool, typer.Option("--gradient-flow", help="Measure how far back in time the gradient reaches.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Show where the time of a training step goes, and keep a trace.")
    ] = False,
    pictures: Annotated[
        bool,
        typer.Option(
            "--pictures",
            help="Write report.html, and show weights, gradients and results in TensorBoard by epoch.",
        ),
    ] = False,
    qat: Qat = None,
    find_rate: FindRate = False,
    search: Search = None,
    trials: Trials = None,
    device: Device = "auto",
    devices: Devices = None,
    nodes: Nodes = None,
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
    from edgernn.cli.folders import export_words
    from edgernn.cli.recipe_options import merge, options_outcome
    from edgernn.cli.train_modes import rates_outcome, refuse, search_outcome
    from edgernn.cli.training_tables import print_training, say
    from edgernn.errors import InputError
    from edgernn.training import train

    if list_options:
        return options_outcome(recipe)
    if resume is not None and out is not None and resume != out:
        raise InputError(f"--out: a resumed run goes on in its own folder, {str(resume)!r}. Leave --out out.")
    options = merge(
        settings,
        column=column,
        time_column=time_column,
        season=season,
        unit=unit,
        words=words,
        optimizer=optimizer,
        learning_rate=learning_rate,
        schedule=schedule,
        gradient_clip=clip,
        weight_decay=weight_decay,
        dropout=dropout,
        batch_size=batch_size,
        class_weights=class_weights,
        precision=precision,
    )
    if find_rate or search is not None:
        mode = "--find-learning-rate" if find_rate else "--search"
        refuse(mode, qat=qat, gradient_flow=gradient_flow, profile=profile, pictures=pictures)
        refuse(mode, devices=devices, nodes=nodes)
        all_options = merge(None, **options, max_epochs=epochs, patience=patience)
        shared = {"data": data, "options": all_options, "seed": seed or 0, "device": device}
        if find_rate:
            refuse(mode, search=search, resume=resume, trials=trials)
            return rates_outcome(recipe, out=out, **shared)
        assert search is not None
        return search_outcome(
            recipe,
            search,
            trials=20 if trials is None else trials,
            out=out if resume is None else resume,
            resume=resume is not None,
            say=None if json else say,
            **shared,
        )
    if trials is not None:
        raise InputError("--trials: is for a search. Name its space as well, with --search SPACE.TOML.")
    report = train(
        recipe,
        data=data,
        options=options,
        out=out if resume is None else resume,
        seed=seed,
        max_epochs=epochs,
        patience=patience,
        resume=resume is not None,
        device=device,
        devices=devices,
        nodes=nodes,
        rounding=rounding(qat),
        quiet=json,
        profile=profile,
        gradient_flow=gradient_flow,
        pictures=pictures,
        say=say,
    )

    def show(console: Console) -> None:
        print_training(console, report)
        words = export_words(report.folder, report.recipe, Path(report.folder).name)
        next_steps(
            console,
            (words, "a file for the device; --streaming: sample by sample"),
            (["evaluate", report.folder, "--data", "other.csv"], "score it on other data"),
        )

    return Outcome(report.to_json(), show)
