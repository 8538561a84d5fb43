"""Fixed sets of measurements, one file each, found by its name.

A suite's module declares `measure(rounds, report_row)`: it calls `report_row` with each `Row` as it is
measured, and returns what it could not measure, reason by name.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable
from typing import Protocol, cast

from edgernn.bench.suite_report import Row, SuiteReport
from edgernn.errors import InputError


class Suite(Protocol):
    """What a module of this folder declares; see above."""

    def measure(self, rounds: int, report_row: Callable[[Row], None]) -> dict[str, str]:
        """Run the suite."""
        ...


def suite_names() -> list[str]:
    """The suites of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def run_suite(name: str, *, rounds: int = 9, on_row: Callable[[Row], None] | None = None) -> SuiteReport:
    """Run a suite.

    Args:
        name: one of `suite_names()`.
        rounds: of each race; 9 or more for figures to be relied on.
        on_row: called with each row as soon as it is measured, to show progress.

    Raises:
        InputError: where there is no such suite, with the nearest name and the list.
    """
    if name not in suite_names():
        close = difflib.get_close_matches(str(name), suite_names(), n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise InputError(f"suite: unknown suite {name!r}.{hint} Use one of {suite_names()}.")
    from edgernn.bench.machine import describe_machine

    rows: list[Row] = []

    def report_row(row: Row) -> None:
        rows.append(row)
        if on_row is not None:
            on_row(row)

    suite = cast(Suite, importlib.import_module(f"{__name__}.{name}"))
    skipped = suite.measure(rounds, report_row)
    return SuiteReport(name, tuple(rows), skipped, describe_machine())
