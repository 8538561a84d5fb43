"""What onnxruntime really assigns to a provider that is here, to hold the rules against."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import onnx_ir as ir
import onnxruntime

from edgernn.errors import ProviderError
from edgernn.placement.nodes import FlatGraph, read_graph
from edgernn.placement.report import Assignment, PlacementReport, ProviderPlacement
from edgernn.runtime import providers

_LOG_FATAL_ONLY = 4


def can_tell() -> bool:
    """Whether this onnxruntime tells what it assigned; 1.24 and later do."""
    return hasattr(onnxruntime.InferenceSession, "get_provider_graph_assignment_info")


def compare_report(report: PlacementReport, names: Sequence[str]) -> list[Assignment]:
    """`compare` for some of a report's providers."""
    graph = read_graph(Path(report.path))
    return [compare(graph, report.of(name)) for name in names]


def compare(graph: FlatGraph, placement: ProviderPlacement) -> Assignment:
    """Load a graph with a provider, and tell where onnxruntime did otherwise than its rules said.

    Its optimizations are off: they merge nodes, and a merged node has another name.

    Raises ProviderError where this onnxruntime lacks the provider, or cannot say what it assigned.
    """
    name = placement.provider
    try:
        assigned = assigned_nodes(graph, name)
    except RuntimeError as error:
        return Assignment(name, str(error), ())
    wanted = providers.get(name).ONNXRUNTIME_NAME
    differences = []
    for item in placement.nodes:
        found = assigned.get(item.node)
        if found is None:
            differences.append(f"{item.node} ({item.op}) was assigned to no provider")
        elif (found == wanted) != item.taken:
            said = f"the rules of {name} take it" if item.taken else f"the rules say: {item.reason}"
            differences.append(f"{item.node} ({item.op}) was assigned to {found}; {said}")
    return Assignment(name, "", tuple(differences))


def assigned_nodes(graph: FlatGraph, name: str) -> dict[str, str]:
    """onnxruntime's name of the provider that each node went to, by the node's name.

    Raises ProviderError as `compare` does, RuntimeError where onnxruntime does not start.
    """
    provider = providers.get(name)
    if name not in providers.present():
        raise ProviderError(
            f"provider {name!r} is not in this onnxruntime {onnxruntime.__version__}. To get it: "
            f"{provider.INSTALL}."
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _LOG_FATAL_ONLY
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    if not can_tell():
        raise ProviderError(
            f"onnxruntime {onnxruntime.__version__} does not tell what it assigned; 1.24 and later do."
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flat.onnx"
        ir.save(graph.model, path)
        try:
            session = onnxruntime.InferenceSession(
                str(path),
                options,
                providers=[(provider.ONNXRUNTIME_NAME, provider.options(threads=1))],
                enable_fallback=0,
            )
        except Exception as error:
            raise RuntimeError(str(error).strip()) from error
    return {
        node.name: subgraph.ep_name
        for subgraph in session.get_provider_graph_assignment_info()
        for node in subgraph.get_nodes()
    }
