"""Options that several commands share, so that they read alike everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgernn.cli import completion

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
ModelFile = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="An .onnx file of edgernn, or a network folder.", show_default=False),
]
SourceName = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A run folder of edgernn train, or package.module:factory, a torch module or what makes one.",
        show_default=False,
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(help="Weights of an import path: a .safetensors file, or a .pt file with a state_dict."),
]
Example = Annotated[
    str | None,
    typer.Option(
        help="Shapes of an import path's inputs, e.g. 1x100x40 or 4x100x40,4:int64 or 1x100:int64:0..255.",
        metavar="SHAPES",
    ),
]
RecipeFolder = Annotated[
    Path | None,
    typer.Option("--recipe", help="Folder of the run's recipe, where it does not ship with edgernn."),
]
OutputFile = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="FILE", help="The .onnx file to write, or a folder.", show_default=False
    ),
]
Provider = Annotated[
    str,
    typer.Option(
        help="Where it runs: cpu, cuda, …",
        autocompletion=completion.providers,
    ),
]
Threads = Annotated[int, typer.Option(help="Threads inside an operator.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="An option of the recipe; may be repeated."),
]
