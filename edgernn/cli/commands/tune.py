"""`edgernn tune`: the best file of a network on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgernn.cli import completion
from edgernn.cli.options import Example, Json, RecipeFolder, SourceName, Weights
from edgernn.cli.outcome import Outcome


def command(
    source: SourceName,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="The folder to write.", show_default=False),
    ],
    streaming: Annotated[
        bool, typer.Option("--streaming/--sequence", help="Files that stream, or that take whole sequences.")
    ] = True,
    recurrence: Annotated[
        list[str] | None,
        typer.Option(
            help="A form to try; may be repeated.",
            show_default="all",
            autocompletion=completion.recurrences,
        ),
    ] = None,
    scheme: Annotated[
        list[str] | None,
        typer.Option(
            help="A scheme to try, or float32; may be repeated.",
            show_default="all",
            autocompletion=completion.schemes,
        ),
    ] = None,
    chunk: Annotated[
        list[int] | None,
        typer.Option(help="Time steps of a push to try; may be repeated.", show_default="the least"),
    ] = None,
    length: Annotated[
        int | None, typer.Option(help="Time steps of sequence files.", show_default="any, timed at 100")
    ] = None,
    threads: Annotated[
        list[int] | None,
        typer.Option(help="Threads inside an operator to try; may be repeated.", show_default="1 and 2"),
    ] = None,
    batch: Annotated[int, typer.Option(help="Rows of a call.")] = 1,
    max_error: Annotated[
        float | None,
        typer.Option(
            help="Largest error, relative to the output's scale.", show_default="the scheme's tolerance"
        ),
    ] = None,
    prefer: Annotated[str, typer.Option(help="What is best: speed or size.")] = "speed",
    rounds: Annotated[int, typer.Option(help="Rounds in which all take turns.")] = 9,
    example: Example = None,
    weights: Weights = None,
    recipe: RecipeFolder = None,
    json: Json = False,
) -> Outcome:
    """Try every form, scheme and session option of a network, and keep the best file for this machine.

    Each file is proven equal before it is timed. The same command goes on where an interrupted one stopped.
    """
    import edgernn
    from edgernn.cli.console import facts, file_size, next_steps, progress
    from edgernn.cli.tune_tables import dropped, worth_a_thought
    from edgernn.errors import InputError
    from edgernn.source import load_source

    found = load_source(source, weights, example, recipe=recipe)
    if found.example_inputs is None:
        raise InputError(
            "--example: say the shapes of the inputs of an import path, e.g. --example 1x100x40."
        )
    with progress("Tuning") as tell:
        report = edgernn.tune(
            found.model,
            found.example_inputs,
            out=output,
            streaming=streaming,
            recurrences=recurrence or None,
            schemes=scheme or None,
            chunks=chunk or None,
            length=length,
            threads=tuple(threads or (1, 2)),
            batch=batch,
            max_error=max_error,
            prefer=prefer,
            rounds=rounds,
            metadata=found.metadata or None,
            progress=tell,
        )

    def show(console: Console) -> None:
        best = report.best
        options = ", ".join(f"{name}={value}" for name, value in report.load_options.items())
        console.print(f"Wrote {report.path}", style="bold green", soft_wrap=True)
        console.print(
            facts(
                [
                    ("chosen", f"{best.file.recurrence}, {best.file.scheme}"),
                    (
                        "time",
                        f"{best.latency.p50:.3g} µs a step, {best.latency.p99:.3g} at the 99th percentile",
                    ),
                    ("size", file_size(best.file.bytes)),
                    ("relative error", f"{best.file.relative_error:.2g}"),
                    ("tried", f"{len(report.files)} files, {len(report.trials)} ways to run them"),
                    ("load it with", f"edgernn.load({report.path!r}, {options})"),
                ]
            )
        )
        console.print(worth_a_thought(report))
        if any(file.dropped for file in report.files):
            console.print(dropped(report))
        next_steps(
            console,
            (["inspect", report.path], "what it takes and gives"),
            (
                ["bench", report.path, "--source", source, *(["--example", example] if example else [])],
                "beside what people do without edgernn",
            ),
        )

    return Outcome(report.to_json(), show)
