"""What `edgernn train` does in the place of one training: look for a learning rate, or for options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgernn.cli.outcome import Outcome
from edgernn.errors import InputError

FindRate = Annotated[
    bool,
    typer.Option(
        "--find-learning-rate",
        help="Try learning rates from too small to too large, draw the loss, suggest one, and stop.",
    ),
]
Search = Annotated[
    Path | None,
    typer.Option(
        "--search", metavar="SPACE.TOML", help="Search for the options that this file gives ranges of."
    ),
]
Trials = Annotated[
    int | None, typer.Option(help="Trials of a search, those before a resume included.", show_default="20")
]


def refuse(mode: str, **given: object) -> None:
    """Raise InputError where an option was given that a mode does not take."""
    for name, value in given.items():
        if value:
            raise InputError(f"--{name.replace('_', '-')}: does not go with {mode}. Leave one of both out.")


def rates_outcome(recipe: str, **arguments: Any) -> Outcome:
    """A suggestion for the learning rate."""
    from edgernn.cli.rate_tables import print_rates
    from edgernn.training import find_learning_rate

    report = find_learning_rate(recipe, **arguments)
    return Outcome(report.to_json(), lambda console: print_rates(console, report, recipe))


def search_outcome(recipe: str, space: Path, **arguments: Any) -> Outcome:
    """The trials of a search."""
    from edgernn.cli.search_tables import print_search
    from edgernn.training import search

    report = search(recipe, space, **arguments)
    return Outcome(report.to_json(), lambda console: print_search(console, report))
