"""Which provider takes which node, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from edgernn.cli.console import table
from edgernn.placement import Assignment, PlacementReport, ProviderPlacement

# Where a file has more nodes, the nodes that are refused alike are shown as one line.
_MOST_NODES = 40


def show_placement(
    console: Console,
    report: PlacementReport,
    present: Sequence[str],
    assignments: Sequence[Assignment],
    every_node: bool,
) -> None:
    """Print a report; `present` are the providers of this onnxruntime."""
    console.print(
        table(
            "Execution providers",
            ("provider", "takes", "in parts", "here", "rules from"),
            [
                (item.provider, share(item), item.partitions, item.provider in present, item.source)
                for item in report.providers
            ],
        )
    )
    if report.folded:
        console.print(f"{report.folded} nodes depend on constants alone and are computed once, at load.")
    if every_node or len(report.providers[0].nodes) <= _MOST_NODES:
        console.print(_node_by_node(report))
    else:
        console.print("Node by node: --nodes.")
    objections = [
        (item.provider, count, first, reason, remedy)
        for item in report.providers
        for reason, remedy, count, first in item.objections()
    ]
    if objections:
        columns = ("provider", "nodes", "the first", "why not", "what would change that")
        console.print(table("Not taken", columns, objections))
    for item in report.providers:
        for note in item.notes:
            console.print(f"{item.provider}: {note}.", soft_wrap=True)
    for assignment in assignments:
        _show_assignment(console, assignment)


def share(item: ProviderPlacement) -> str:
    """How many of the nodes a provider takes."""
    return "all" if item.complete else f"{item.taken} of {len(item.nodes)}"


def _node_by_node(report: PlacementReport) -> object:
    rows = []
    for parts in zip(*(item.nodes for item in report.providers), strict=True):
        first = parts[0]
        where = f"{first.op} in {first.body_of}" if first.body_of else first.op
        rows.append((first.node, where, *("yes" if part.taken else "–" for part in parts)))
    return table("Nodes", ("node", "operator", *(item.provider for item in report.providers)), rows)


def _show_assignment(console: Console, assignment: Assignment) -> None:
    if assignment.agrees:
        console.print(f"\n{assignment.provider}: onnxruntime assigned every node so.", style="bold green")
        return
    console.print(f"\n{assignment.provider}: onnxruntime did otherwise.", style="bold red")
    if assignment.error:
        console.print(f"It does not load the file: {assignment.error}", soft_wrap=True)
    for difference in assignment.differences:
        console.print(f"  {difference}", soft_wrap=True)
