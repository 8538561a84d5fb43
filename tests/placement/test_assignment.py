"""The rules of the CPU against what onnxruntime assigned."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgernn.errors import ProviderError
from edgernn.placement import place, place_graph, read_graph
from edgernn.placement.assignment import assigned_nodes, can_tell, compare, compare_report
from edgernn.placement.nodes import Node
from edgernn.placement.providers import cpu
from edgernn.placement.rules import Refusal

from .networks import FILES

pytestmark = pytest.mark.skipif(not can_tell(), reason="this onnxruntime does not tell what it assigned")


@pytest.mark.parametrize("name", FILES)
def test_onnxruntime_assigns_as_the_rules_say(files: dict[str, Path], name: str) -> None:
    graph = read_graph(files[name])
    assigned = assigned_nodes(graph, "cpu")
    assert {node.name for node in graph.nodes} <= set(assigned)
    found = compare(graph, place_graph(graph, "cpu"))
    assert found.agrees, found


def test_a_wrong_rule_is_found(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def without_gru(node: Node) -> Refusal | None:
        return Refusal("it has no GRU", "none") if node.op == "GRU" else None

    monkeypatch.setattr(cpu, "judge", without_gru)
    (found,) = compare_report(place(files["gru"], ["cpu"]), ["cpu"])
    assert not found.agrees
    (difference,) = found.differences
    assert "(GRU) was assigned to CPUExecutionProvider; the rules say: it has no GRU" in difference


def test_a_node_that_is_nowhere_is_found(files: dict[str, Path]) -> None:
    placement = place(files["scan"], ["cpu"]).of("cpu")
    found = compare(read_graph(files["gru"]), placement)
    assert any("was assigned to no provider" in difference for difference in found.differences)


def test_a_missing_provider_is_named(files: dict[str, Path]) -> None:
    with pytest.raises(ProviderError, match="provider 'nnapi' is not in this onnxruntime"):
        compare_report(place(files["gru"], ["nnapi"]), ["nnapi"])
