"""Which execution provider would take which node of a file, why not, and what would change that."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from edgernn.placement.nodes import FlatGraph, read_graph
from edgernn.placement.providers import known, rules_of
from edgernn.placement.report import Assignment, NodePlacement, PlacementReport, ProviderPlacement
from edgernn.placement.rules import Form, operator

__all__ = [
    "Assignment", "Form", "NodePlacement", "PlacementReport", "ProviderPlacement", "known", "place",
    "place_graph", "read_graph", "rules_of",
]  # fmt: skip


def place(path: str | os.PathLike[str], names: Sequence[str] | None = None) -> PlacementReport:
    """Ask the rules of each provider about every node of a file; none of them need be installed.

    Args:
        path: an .onnx file, of edgernn or not.
        names: providers; None takes all that there are rules for.

    Raises:
        ProviderError: a provider is unknown.
        InputError, ModelError: there is no such file, or it is no ONNX model.
    """
    rules = {name: rules_of(name) for name in (known() if names is None else names)}
    graph = read_graph(Path(path))
    return PlacementReport(str(path), tuple(place_graph(graph, name) for name in rules), graph.folded)


def place_graph(graph: FlatGraph, name: str) -> ProviderPlacement:
    """Ask the rules of one provider."""
    rules = rules_of(name)
    nodes = []
    for node in graph.nodes:
        refusal = rules.judge(node)
        where = (node.name, operator(node), node.body_of)
        nodes.append(
            NodePlacement(*where, True)
            if refusal is None
            else NodePlacement(*where, False, refusal.reason, refusal.remedy)
        )
    return ProviderPlacement(name, tuple(nodes), rules.SOURCE, rules.FORM.notes)
