"""What looking for a learning rate tells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from edgernn.cli.console import next_steps, print_note

if TYPE_CHECKING:
    from edgernn.training import RateReport


def print_rates(console: Console, report: RateReport, recipe: str) -> None:
    """Print the rate that was found, and how to train with it. `recipe`: as the user named it."""
    from edgernn.training.rate_finder import PICTURE_FILE

    console.print(f"Data: {report.source}.", soft_wrap=True)
    console.print(
        f"Tried {len(report.rates)} rates from {report.rates[0]:.2g} to {report.rates[-1]:.2g}; "
        f"the options have {report.current:.2g}."
    )
    if report.diverged is not None:
        console.print(f"From {report.diverged:.2g} on training diverges.")
    if report.suggestion is None:
        print_note("the loss fell at no rate: no suggestion. See the picture, and try other options.")
    else:
        console.print(f"The loss falls most steeply at {report.suggestion:.2g}.")
    console.print(f"Picture: {Path(report.folder) / PICTURE_FILE}", soft_wrap=True)
    if report.suggestion is not None:
        words = ["train", recipe, "--learning-rate", f"{report.suggestion:.2g}"]
        next_steps(console, (words, "with the same data and options"))
