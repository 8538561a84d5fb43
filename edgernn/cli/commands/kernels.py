"""`edgernn kernels`: the optional library of recurrent kernels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from edgernn.cli.options import Json
from edgernn.cli.outcome import Outcome


def command(
    action: Annotated[
        Literal["show", "build"], typer.Argument(help="show what is at hand, or build the library.")
    ] = "show",
    ort_include: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Of onnxruntime_c_api.h.", show_default="where packages put it"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The library to write.",
            show_default="in the user's cache, where edgernn finds it",
        ),
    ] = None,
    json: Json = False,
) -> Outcome:
    """Build edgernn's own recurrent kernels, or show which are at hand.

    They are an optional C++ library that takes over the recurrent layers of quantized files, and of float32
    files that `export --kernels` wrote, from onnxruntime. Building needs CMake, a C++17 compiler and
    onnxruntime's C header.
    """
    from edgernn import kernels
    from edgernn.cli.console import facts, working
    from edgernn.errors import InputError

    if action == "build":
        from edgernn.kernels.build import build

        with working("Compiling the kernels …"):
            found: kernels.Library | None = build(output, ort_include=ort_include)
    elif ort_include is not None or output is not None:
        raise InputError("kernels: --ort-include and --output belong to `edgernn kernels build`.")
    else:
        found = kernels.find()

    def show(console: Console) -> None:
        if found is None:
            console.print(f"No library is at hand. {_without(kernels)}", soft_wrap=True)
            return
        if action == "build":
            console.print(f"Built {found.path}", style="bold green", soft_wrap=True)
        console.print(
            facts(
                [
                    ("library", found.path),
                    ("instruction set", found.instruction_set or "none: see available"),
                    ("available", ", ".join(found.available)),
                ]
            )
        )
        if action == "build" and output is not None:
            console.print(
                f"Set {kernels.VARIABLE}={found.path} to have it used, or pass kernels= to edgernn.load.",
                soft_wrap=True,
            )

    return Outcome(_data(found), show)


def _without(kernels: Any) -> str:
    import os

    if os.environ.get(kernels.VARIABLE) == kernels.OFF:
        return f"{kernels.VARIABLE}={kernels.OFF} switches them off."
    return "`edgernn kernels build` compiles one; files run on onnxruntime alone until then."


def _data(found: Any) -> dict[str, Any]:
    if found is None:
        return {"library": None, "instruction_set": None, "available": [], "forced": False}
    return {
        "library": str(found.path),
        "instruction_set": found.instruction_set,
        "available": list(found.available),
        "forced": found.forced,
    }
