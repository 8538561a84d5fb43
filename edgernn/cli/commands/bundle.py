"""`edgernn bundle`: an app around a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgernn.cli import completion
from edgernn.cli.options import Json
from edgernn.cli.outcome import Outcome


def command(
    models: Annotated[
        list[Path],
        typer.Argument(metavar="MODEL...", help="Streaming .onnx files of edgernn.", show_default=False),
    ],
    target: Annotated[
        str,
        typer.Option(
            help="What the app is for: python, node, web, cpp, …",
            autocompletion=completion.targets,
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", help="The folder to write, new or empty.", show_default=False
        ),
    ],
    format: Annotated[
        str,
        typer.Option(help="How the model stands in it: onnx, or ort for small builds of onnxruntime."),
    ] = "onnx",
    report: Annotated[bool, typer.Option("--report", help="Show the size of every file.")] = False,
    json: Json = False,
) -> Outcome:
    """Write a small, complete app around a streaming model, which checks itself at start.

    In it are the model, a stream class with its names and shapes, a program or a page, build files, a README
    with the commands, and golden vectors: calls whose outputs edgernn computed here. The app makes them when
    it starts and refuses to go on where its outputs differ.
    """
    import edgernn
    from edgernn.cli.console import facts, file_size, table, working

    with working("Bundling …"):
        made = edgernn.bundle(models, output, target=target, format=format)

    def show(console: Console) -> None:
        console.print(f"Wrote {output}", style="bold green", soft_wrap=True)
        console.print(
            facts(
                [
                    ("target", made.target),
                    ("models", ", ".join(made.models)),
                    ("runs on", made.runtime),
                    ("size", f"{file_size(made.size)} in {len(made.files)} files"),
                    ("operators", ", ".join(made.operators)),
                ]
            )
        )
        if report:
            by_size = sorted(made.files.items(), key=lambda item: -item[1])
            rows = [(path, file_size(size), f"{size / made.size:.1%}") for path, size in by_size]
            console.print(table("Files by size", ("file", "size", "share"), rows))
        console.print("\nNext:", style="bold")
        for line in (f"cd {output}", *made.next):
            console.print(f"  {line}", soft_wrap=True)

    return Outcome(made.to_json(), show)
