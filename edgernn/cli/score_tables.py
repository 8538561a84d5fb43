"""Scores of a network beside those of its baselines, as a table."""

from __future__ import annotations

from rich.table import Table

from edgernn.cli.console import table


def scores(values: dict[str, float], title: str = "Scores on the held-out test part") -> Table:
    """`values` as recipes give them: the network's by name, a baseline's as "name/baseline"."""
    from edgernn.training import score_table

    rows = score_table(values)
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    return table(
        title,
        ("", *names),
        [(who.replace("_", " "), *(row.get(name) for name in names)) for who, row in rows.items()],
    )
