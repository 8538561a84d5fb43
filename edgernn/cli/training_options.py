"""Options of the commands that train: short for the recipe options of the same names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgernn.cli import completion

if TYPE_CHECKING:
    from edgernn.training import Rounding

RunFolder = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", help="The run folder.", show_default="runs/RECIPE-DATE-TIME"),
]
Epochs = Annotated[int | None, typer.Option(help="Most passes over the data.")]
Patience = Annotated[
    int | None, typer.Option(help="Epochs without a better validation loss before training stops.")
]
Seed = Annotated[int | None, typer.Option(help="Seed of all that is random.", show_default="0")]
Optimizer = Annotated[str | None, typer.Option(help="adam, adamw or sgd.")]
LearningRate = Annotated[float | None, typer.Option(help="Step size of the optimiser.")]
Schedule = Annotated[
    str | None, typer.Option(help="Learning rate over time: constant, cosine, one-cycle or plateau.")
]
Clip = Annotated[float | None, typer.Option(help="Largest norm of the gradient; 0 does not clip.")]
WeightDecay = Annotated[float | None, typer.Option(help="Weight decay (L2) of the optimiser.")]
Dropout = Annotated[float | None, typer.Option(help="Probability of leaving an element out in training.")]
BatchSize = Annotated[int | None, typer.Option(help="Samples a training step.")]
ClassWeights = Annotated[
    str | None, typer.Option(help="Of a classifier: none, or balanced to make rare classes count alike.")
]
Precision = Annotated[str | None, typer.Option(help="Training computes in float32, bfloat16 or float16.")]
Device = Annotated[str, typer.Option(help="Where to train: auto, cpu, gpu, …")]
Qat = Annotated[
    str | None,
    typer.Option(
        "--qat",
        metavar="SCHEME",
        help="Train with the rounding of a quantization scheme, int8 or int4, so that it costs less later.",
        autocompletion=completion.schemes,
    ),
]


def rounding(scheme: str | None) -> Rounding | None:
    """What `--qat` asks for. Raises InputError where the scheme rounds no weights one by one."""
    if scheme is None:
        return None
    from edgernn.quantize import rounding_of
    from edgernn.training import Rounding

    return Rounding(scheme, rounding_of(scheme))
