"""Ways to work through a collection of files: one file an engine, found by its name.

An engine declares `score(scorer, pairs, workers)`, which calls the scorer with each pair of paths, in any
order and anywhere that sees them, and gives a `Scored` for each as it is done.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from typing import Protocol, cast

from edgernn.cli.scorer import Scored, Scorer
from edgernn.errors import InputError

Pairs = Sequence[tuple[str, str]]


class Engine(Protocol):
    """What a file of this folder declares; see above."""

    def score(self, scorer: Scorer, pairs: Pairs, workers: int | None) -> Iterator[Scored]:
        """Score each pair, with so many workers; None for as many as there are processors."""
        ...


def known() -> list[str]:
    """The engines of this folder."""
    return sorted(item.name for item in pkgutil.iter_modules(__path__))


def engine(name: str) -> Engine:
    """The engine of a name; raises InputError with the names there are."""
    if name not in known():
        raise InputError(f"engine: {name!r} is unknown; use one of {', '.join(known())}.")
    return cast(Engine, importlib.import_module(f"{__name__}.{name}"))
