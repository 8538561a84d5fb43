"""Sets of measurements, one file each, found by its name.

A suite's module declares `DIMENSIONS`, by which a part of it can be chosen, and `measure(request,
report_row)`: it calls `report_row` with each `Row` as it is measured, leaves out the cases that `request`
does not want, and returns what it could not measure, reason by name.
"""

from __future__ import annotations

import difflib
import importlib
import os
import pkgutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, cast

from edgernn.bench.machine import describe_machine
from edgernn.bench.suite_report import Row, SuiteReport
from edgernn.bench.suite_request import Dimensions, Request, parse_only
from edgernn.bench.suite_store import SuiteStore
from edgernn.errors import InputError


class Suite(Protocol):
    """What a module of this folder declares; see above."""

    DIMENSIONS: Dimensions

    def measure(self, request: Request, report_row: Callable[[Row], None]) -> dict[str, str]:
        """Run the suite."""
        ...


def suite_names() -> list[str]:
    """The suites of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find_suite(name: str) -> Suite:
    """A suite by its name; raises InputError where there is none, with the nearest name and the list."""
    if name not in suite_names():
        close = difflib.get_close_matches(str(name), suite_names(), n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise InputError(f"suite: unknown suite {name!r}.{hint} Use one of {suite_names()}.")
    return cast(Suite, importlib.import_module(f"{__name__}.{name}"))


def run_suite(
    name: str,
    *,
    rounds: int = 9,
    only: Sequence[str] = (),
    out: str | os.PathLike[str] | None = None,
    on_row: Callable[[Row], None] | None = None,
) -> SuiteReport:
    """Run a suite, or a part of it.

    Args:
        name: one of `suite_names()`.
        rounds: of each race; 9 or more for figures to be relied on.
        only: "dimension=value,value" each: the part to run, e.g. "cell=GRU".
        out: a folder in which every row is written as soon as it is measured. What stands there already is
            not measured again, so that a suite that was interrupted goes on where it stopped, and one that
            ran in part is completed.
        on_row: called with each row as soon as it is measured, to show progress.

    Returns:
        The report of what `only` chooses, with the rows that stood in `out` before.

    Raises:
        InputError: where there is no such suite, with the nearest name and the list; where `only` names what
            the suite has not; where `out` holds something else, or figures of another machine.
    """
    suite = find_suite(name)
    chosen = parse_only(only, suite.DIMENSIONS)
    machine = describe_machine()
    store = None if out is None else SuiteStore(Path(out), name, machine)
    rows = [] if store is None else [row for row in store.rows if Request(rounds, chosen).asks(row.case)]

    def report_row(row: Row) -> None:
        rows.append(row)
        if store is not None:
            store.add(row)
        if on_row is not None:
            on_row(row)

    known = (lambda case: False) if store is None else store.holds
    skipped = suite.measure(Request(rounds, chosen, known), report_row)
    return SuiteReport(name, tuple(rows), skipped, machine)
