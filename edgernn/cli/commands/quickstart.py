"""`edgernn quickstart`: from a real series to a stream on onnxruntime, in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgernn.cli.options import Json
from edgernn.cli.outcome import Outcome


def command(
    out: Annotated[Path, typer.Option(help="Folder for the models and the report.", metavar="DIR")] = Path(
        "edgernn-quickstart"
    ),
    seed: Annotated[int, typer.Option(help="Seed of the weights and the order of the samples.")] = 0,
    json: Json = False,
) -> Outcome:
    """Train an LSTM on a real series, export, quantize, verify, time and stream it, and report on it all.

    Takes about a minute on two cores and downloads nothing. The exit code is 1 where a file does not equal
    its network.
    """
    from edgernn.quickstart import quickstart

    report = quickstart(out, seed=seed, progress=False if json else None, say=_silent if json else _say)

    def show(console: Console) -> None:
        """Everything was said while it happened."""

    return Outcome(report.to_json(), show, report.passed)


def _say(line: str) -> None:
    print(line, flush=True)


def _silent(line: str) -> None:
    """With --json nothing but the JSON is printed."""
