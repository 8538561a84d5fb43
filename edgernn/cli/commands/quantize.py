"""`edgernn quantize`: a smaller file, and what that costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgernn.cli import completion
from edgernn.cli.options import Json, ModelFile, OutputFile
from edgernn.cli.outcome import Outcome


def command(
    file: ModelFile,
    output: OutputFile,
    scheme: Annotated[
        str, typer.Option(help="How weights are stored, e.g. int8.", autocompletion=completion.schemes)
    ] = "int8",
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Typical inputs as .npy, to measure the error on; once for each input of the model.",
            show_default="standard normal numbers",
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A weight or a node that stays in float32; may be repeated."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="An option of the scheme; may be repeated."),
    ] = None,
    calibrate: Annotated[
        str | None,
        typer.Option(
            metavar="METHOD",
            help="How int8-static finds ranges in the data: min-max, percentile or entropy.",
            show_default="min-max",
        ),
    ] = None,
    inline: Annotated[
        bool, typer.Option("--inline", help="Write plain operators, for runtimes that know no functions.")
    ] = False,
    json: Json = False,
) -> Outcome:
    """Write a file with smaller weights, and report what was quantized, what not, and the error it costs."""
    import edgernn
    from edgernn.cli.arrays import read_npy
    from edgernn.cli.console import facts, file_size, next_steps, working
    from edgernn.cli.console import show as text
    from edgernn.cli.quantization_tables import left, weights
    from edgernn.cli.recipe_options import merge

    calibration = [read_npy(path, "data") for path in data] if data else None
    with working("Quantizing …"):
        report = edgernn.quantize(
            file,
            output,
            scheme=scheme,
            calibration=calibration,
            keep=keep or (),
            options=merge(settings) | ({} if calibrate is None else {"calibrate": calibrate}),
            inline=inline,
        )

    def show(console: Console) -> None:
        console.print(f"Wrote {output}", style="bold green", soft_wrap=True)
        sizes = f"{file_size(report.bytes_before)} → {file_size(report.bytes_after)} ({report.ratio:.0%})"
        error = report.error
        console.print(
            facts(
                [
                    ("size", sizes),
                    ("largest error", f"{text(error.max_abs)}, {error.relative:.2%} of the largest output"),
                    ("mean error", text(error.mean_abs)),
                    ("measured on", error.data),
                    ("quantized", ", ".join(report.nodes)),
                ]
            )
        )
        console.print(weights(report))
        if report.left:
            console.print(left(report))
        next_steps(
            console,
            (["verify", file, output], "compare it with the float32 file"),
            (["bench", output, "--against", file], "how fast it is here"),
        )

    return Outcome(report.to_json(), show)
