"""`edgernn quantize`: a smaller file, and what that costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgernn.cli import completion
from edgernn.cli.options import Json, ModelFile, OutputFile, RecipeFolder
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
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="BOUND",
            help="What the file must keep, e.g. max-error=0.01, accuracy>=0.95, rmse<=0.5: layers that cost "
            "too much stay in more bits.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="The run folder whose own scores and held-out data a budget's score is for."
        ),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option(help="What the outputs for --data should be, as .npy: classes or values, for a score."),
    ] = None,
    recipe: RecipeFolder = None,
    report_folder: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="A folder for report.json, report.html and pictures."),
    ] = None,
    inline: Annotated[
        bool, typer.Option("--inline", help="Write plain operators, for runtimes that know no functions.")
    ] = False,
    json: Json = False,
) -> Outcome:
    """Write a file with smaller weights, and report what was quantized, what not, and the error it costs."""
    if file.is_dir():
        from edgernn.cli.folders import quantize_parts, refuse_for_folder
        from edgernn.cli.recipe_options import merge

        for_one = {
            "--data": data, "--keep": keep, "--calibrate": calibrate, "--budget": budget, "--source": source,
            "--target": target, "--report": report_folder,
        }  # fmt: skip
        refuse_for_folder(for_one, file)
        return quantize_parts(file, output, scheme, merge(settings), inline)
    import edgernn
    from edgernn.cli.arrays import read_npy
    from edgernn.cli.console import facts, file_size, next_steps, working
    from edgernn.cli.console import show as text
    from edgernn.cli.quantization_tables import budget_line, layers, left, weights
    from edgernn.cli.recipe_options import merge

    calibration = [read_npy(path, "data") for path in data] if data else None
    score = None
    if source is not None:
        from edgernn.source.scoring import score_files

        scoring = score_files(source, recipe=recipe)
        score = scoring.score
        calibration = calibration or list(scoring.typical)
    if report_folder is not None:
        from edgernn.quantize.choosing.page import check_folder

        check_folder(report_folder)
    with working("Quantizing …"):
        report = edgernn.quantize(
            file,
            output,
            scheme=scheme,
            calibration=calibration,
            keep=keep or (),
            options=merge(settings) | ({} if calibrate is None else {"calibrate": calibrate}),
            inline=inline,
            budget=budget,
            targets=None if target is None else read_npy(target, "target"),
            score=score,
        )
    if report_folder is not None:
        from edgernn.quantize.choosing.page import write_report

        with working("Drawing the report …"):
            write_report(report_folder, report)

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
                    ("budget", None if report.choice is None else budget_line(report.choice)),
                ]
            )
        )
        if report.choice is not None:
            console.print(layers(report.choice))
        console.print(weights(report))
        if report.left:
            console.print(left(report))
        next_steps(
            console,
            (["verify", file, output], "compare it with the float32 file"),
            (["bench", output, "--against", file], "how fast it is here"),
        )

    return Outcome(report.to_json(), show)
