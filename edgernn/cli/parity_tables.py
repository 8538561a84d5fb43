"""A parity report as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from edgernn.cli.console import print_note, table

if TYPE_CHECKING:
    from edgernn.verify import Check, ParityReport

_WORST = 5


def show_parity(console: Console, report: ParityReport, same_weights: bool | None = None) -> None:
    """Print the checks grouped by name, and the worst that failed in full.

    Args:
        console: where to.
        report: what was found.
        same_weights: whether the file says that it was made from these very weights; None: not known.
    """
    groups: dict[str, list[Check]] = {}
    for check in report.checks:
        groups.setdefault(check.name, []).append(check)
    columns = ("check", "runs", "worst relative error", "tolerance", "result")
    where = "" if report.provider == "cpu" else f" on {report.provider}"
    console.print(
        table(f"Parity of {report.path}{where}", columns, [_group_row(*item) for item in groups.items()])
    )
    for reason in report.skipped:
        console.print(f"Not checked: {reason}.", soft_wrap=True)
    for warning in report.warnings:
        print_note(warning)
    if report.passed:
        console.print(f"Passed: {len(report.checks)} checks.", style="bold green")
        return
    failures = report.failures
    console.print(f"Failed: {len(failures)} of {len(report.checks)} checks.", style="bold red")
    if failures:
        console.print(
            table(
                "The worst ones",
                ("check", "at", "relative error", "absolute error", "tolerance"),
                [
                    (item.name, item.detail, item.relative_error, item.max_abs_error, item.tolerance)
                    for item in failures[:_WORST]
                ],
            )
        )
    if same_weights is False:
        console.print(
            "The file was made from other weights than the source has: give the source the weights of the "
            "export, or export again.",
            soft_wrap=True,
        )


def _group_row(name: str, checks: list[Check]) -> tuple[object, ...]:
    failed = sum(not check.passed for check in checks)
    return (
        name,
        len(checks),
        max(check.relative_error for check in checks),
        max(check.tolerance for check in checks),
        f"{failed} failed" if failed else "passed",
    )
