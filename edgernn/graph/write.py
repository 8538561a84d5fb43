"""Replaces each opaque recurrence of an ONNX graph by the form that was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import onnx_ir as ir
import torch

from edgernn.capture import Layer, find_layer
from edgernn.cells import Cell
from edgernn.errors import ExportError
from edgernn.graph.builder import Builder
from edgernn.graph.recurrence import Site, find_form
from edgernn.graph.step import StepGraphs, step_graphs
from edgernn.graph.translate import LAYER_ATTRIBUTE, PLACEHOLDER, PLACEHOLDER_DOMAIN
from edgernn.manifest import RecurrentLayer


def write_recurrences(
    model: ir.Model, recurrence: str, *, steps: int | None, opset: int, kernels: bool = False
) -> tuple[RecurrentLayer, ...]:
    """Write every recurrence of the graph, in place.

    Args:
        model: as `translate` gave it.
        recurrence: "op", "scan", "loop" or "unrolled"; "auto" takes op where the cell has one, else scan.
        steps: the number of time steps where it is fixed.
        opset: ONNX operator set.
        kernels: whether "op" and "auto" may write operators that only edgernn knows, of which the caller
            makes functions.

    Returns:
        The layers, in the order of the graph, with the form each got.

    Raises:
        ExportError: where a layer cannot be written in that form.
    """
    graph = model.graph
    placeholders = [
        node for node in graph if (node.domain, node.op_type) == (PLACEHOLDER_DOMAIN, PLACEHOLDER)
    ]
    layers = [find_layer(node.attributes[LAYER_ATTRIBUTE].as_string()) for node in placeholders]
    for layer in layers:
        _check_precision(layer)
    cache: dict[Cell, StepGraphs] = {}

    def graphs_of(cell: Cell) -> StepGraphs:
        if not cache:
            cache.update(
                step_graphs(list(dict.fromkeys(cell for layer in layers for cell in layer.cells)), opset)
            )
        return cache[cell]

    # A module that is called twice is written twice.
    calls: Counter[Layer] = Counter()
    written = []
    for node, layer in zip(placeholders, layers, strict=True):
        # Absent inputs at the end are not written.
        x, lengths, *states = [*node.inputs, None, None][: max(2, len(node.inputs))]
        assert x is not None
        calls[layer] += 1
        site = Site(
            Builder(graph, layer.name if calls[layer] == 1 else f"{layer.name}.call{calls[layer]}"),
            layer,
            x,
            lengths,
            tuple(state for state in states if state is not None),
            _steps(x, steps),
            tuple(bool(value.uses()) or value.is_graph_output() for value in node.outputs[1:]),
            graphs_of,
            kernels,
        )
        form = _choose(site, recurrence)
        _replace(graph, node, site.builder, find_form(form).write(site))
        written.append(_describe(layer, form))
    model.opset_imports.pop(PLACEHOLDER_DOMAIN, None)
    for node in graph:
        model.opset_imports.setdefault(node.domain, 1)
    return tuple(written)


def _check_precision(layer: Layer) -> None:
    """onnxruntime has no float64 GRU, and stops the whole process at a float16 one."""
    for cell in layer.cells:
        for parameter in cell.parameters():
            if parameter.is_floating_point() and parameter.dtype != torch.float32:
                raise ExportError(
                    f"layer {layer.name!r} has weights of {parameter.dtype}; edgernn writes recurrent layers "
                    "in float32. Call model.float() before the export; edgernn.quantize makes files smaller."
                )


def _steps(x: ir.Value, steps: int | None) -> int | None:
    """The number of steps of a layer's input, which may be another one than that of the graph's input."""
    size = None if x.shape is None else x.shape[0]
    return size if isinstance(size, int) else steps


def _choose(site: Site, recurrence: str) -> str:
    candidates = ("op", "scan") if recurrence == "auto" else (recurrence,)
    reason: str | None = None
    for form in candidates:
        reason = find_form(form).can_write(site)
        if reason is None:
            return form
    raise ExportError(
        f"layer {site.layer.name!r} cannot be written as {recurrence!r}: {reason}. "
        "Use recurrence='auto' or 'scan', or give a fixed length for 'unrolled'."
    )


def _replace(graph: ir.Graph, node: ir.Node, builder: Builder, new_values: Sequence[ir.Value]) -> None:
    """Put the builder's nodes in the place of a placeholder, which gives way to `new_values`."""
    taken: set[ir.Value] = set()
    for old, new in zip(node.outputs, new_values, strict=True):
        if not old.uses() and not old.is_graph_output():
            continue
        if old.is_graph_output():
            if new in taken:  # two outputs of a graph must be two values
                new = builder.op("Identity", new)
            taken.add(new)
            new.name = old.name
        new.shape, new.type = old.shape, old.type
        old.replace_all_uses_with(new, replace_graph_outputs=True)
    graph.insert_before(node, builder.nodes)
    graph.remove(node, safe=True)


def _describe(layer: Layer, form: str) -> RecurrentLayer:
    cell = layer.cells[0]
    return RecurrentLayer(
        layer.name, type(cell).__name__, cell.input_size, cell.hidden_size, layer.directions, form
    )


def summary(layers: tuple[RecurrentLayer, ...]) -> str:
    """One word for the recurrence of a whole network."""
    forms = sorted({layer.recurrence for layer in layers})
    return forms[0] if len(forms) == 1 else "mixed" if forms else "none"
