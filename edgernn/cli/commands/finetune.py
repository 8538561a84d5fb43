"""`edgernn finetune`: train a network further, on other data or other labels."""

from __future__ import annotations

import json as json_text
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
            help="The recipe of the run: its name, or the folder of your own.",
            autocompletion=completion.recipes,
            show_default=False,
        ),
    ],
    source: Annotated[
        Path, typer.Option("--from", metavar="RUN", help="The run folder to begin from.", show_default=False)
    ],
    data: Annotated[
        str | None, typer.Option(help="The new data.", show_default="what comes with the recipe")
    ] = None,
    freeze: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Parameters that stay as they are, e.g. 'embedding*'; repeat."),
    ] = None,
    layer_decay: Annotated[
        float | None,
        typer.Option(help="Learning rate of a layer ÷ that of the layer above it, e.g. 0.5."),
    ] = None,
    unfreeze_every: Annotated[
        int | None,
        typer.Option(
            metavar="EPOCHS", help="Train the last layer first, and every few epochs the one below it too."
        ),
    ] = None,
    adapters: Annotated[
        int | None,
        typer.Option(
            metavar="RANK",
            help="Leave the matrices as they are, and learn what is added to them as two factors (LoRA).",
        ),
    ] = None,
    adapter_scale: Annotated[
        float | None,
        typer.Option(help="What the factors' product is multiplied by.", show_default="2"),
    ] = None,
    prune: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Make this share of the blocks of every weight zero, e.g. 0.5."),
    ] = None,
    prune_block: Annotated[
        str | None,
        typer.Option(metavar="ROWSxCOLUMNS", help="Weights that become zero together.", show_default="1x16"),
    ] = None,
    low_rank: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Give the matrices of recurrent layers this share of their rank, e.g. 0.25.",
        ),
    ] = None,
    out: RunFolder = None,
    epochs: Epochs = None,
    patience: Patience = None,
    seed: Seed = None,
    learning_rate: LearningRate = None,
    schedule: Schedule = None,
    clip: Clip = None,
    weight_decay: WeightDecay = None,
    dropout: Dropout = None,
    batch_size: BatchSize = None,
    qat: Qat = None,
    device: Device = "auto",
    settings: Settings = None,
    json: Json = False,
) -> Outcome:
    """Train a run's network on other data, with its labels or new ones, and show what it forgets.

    Weights, normalisation and vocabulary are those of the run; labels that it knows keep their rows of the
    last layer. Scores are told before and after, on the new data and on the run's own.

    With --adapters few numbers are learned, and merged into the weights that the run folder holds.
    With --prune or --low-rank the network becomes smaller first; sizes of its files are told too.
    """
    from edgernn.cli.compression import file_sizes, print_compression, read_compression
    from edgernn.cli.console import next_steps, working
    from edgernn.cli.folders import export_words
    from edgernn.cli.recipe_options import merge
    from edgernn.cli.training_tables import print_finetuning, say
    from edgernn.training import finetune

    options = merge(
        settings,
        freeze=tuple(freeze or ()) or None,
        layer_decay=layer_decay,
        unfreeze_every=unfreeze_every,
        adapters=adapters,
        adapter_scale=adapter_scale,
        learning_rate=learning_rate,
        schedule=schedule,
        gradient_clip=clip,
        weight_decay=weight_decay,
        dropout=dropout,
        batch_size=batch_size,
    )
    report = finetune(
        recipe,
        source,
        data=data,
        options=options,
        out=out,
        seed=seed,
        max_epochs=epochs,
        patience=patience,
        device=device,
        rounding=rounding(qat),
        compression=read_compression(prune, prune_block, low_rank),
        quiet=json,
        say=say,
    )

    sizes = {}
    if report.training.compression is not None:
        with working("Writing files of both networks, for their sizes …"):
            sizes = file_sizes(source, report.training.folder, recipe)

    def show(console: Console) -> None:
        print_finetuning(console, report)
        if report.training.compression is not None:
            print_compression(console, report.training, sizes)
        folder = report.training.folder
        next_steps(
            console,
            (export_words(folder, report.training.recipe, Path(folder).name), "a file for the device"),
            (["evaluate", folder, "--data", "other.csv"], "score it on other data"),
        )

    return Outcome({**json_text.loads(report.to_json()), "file_bytes": sizes}, show)
