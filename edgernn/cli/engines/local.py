"""In this process, file after file."""

from __future__ import annotations

from collections.abc import Iterator

from edgernn.cli.engines import Pairs
from edgernn.cli.scorer import Scored, Scorer
from edgernn.errors import InputError


def score(scorer: Scorer, pairs: Pairs, workers: int | None) -> Iterator[Scored]:
    """See the package."""
    if workers not in (None, 1):
        raise InputError(f"workers: the engine local is one process, found {workers}; use --engine ray.")
    for source, target in pairs:
        yield scorer(source, target)
