"""Cells' steps as ONNX nodes, for the bodies of Scan and Loop and for unrolled graphs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir as ir
import torch
from torch import Tensor, nn
from torch.export import Dim

from edgernn.capture import trace
from edgernn.cells import Cell
from edgernn.graph.builder import Builder
from edgernn.graph.translate import translate


@dataclass(frozen=True)
class StepGraphs:
    """A cell as two pieces of ONNX graph.

    Attributes:
        project: (T, B, input) → (T, B, projected), for all steps at once; None where it does nothing.
        recur: projected (B, ·) and the states (B, size) → the output and the new states.
    """

    project: ir.GraphView | None
    recur: ir.GraphView


class _Steps(nn.Module):
    """All cells side by side, so that the exporter is called once."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        super().__init__()
        self.cells = nn.ModuleList(cells)

    def forward(self, inputs: Sequence[tuple[Tensor, Tensor, Sequence[Tensor]]]) -> list[Tensor]:
        outputs: list[Tensor] = []
        for cell, (x, projected, state) in zip(self.cells, inputs, strict=True):
            assert isinstance(cell, Cell)
            if cell.hoists_projection:
                outputs.append(cell.project(x))
            advance = cell.recur if cell.hoists_projection else cell.step
            output, new_state = advance(projected, tuple(state))
            outputs.extend([output, *new_state])
        return outputs


def step_graphs(cells: Sequence[Cell], opset: int) -> dict[Cell, StepGraphs]:
    """Write the steps of some cells as ONNX. Raises ExportError where torch cannot trace one."""
    steps, batch = 3, 2
    free_batch, free_time = Dim("batch"), Dim("time")
    inputs: list[Any] = []
    dynamic: list[Any] = []
    for cell in cells:
        anchor = next(cell.parameters(), torch.empty(0))
        x = anchor.new_zeros(steps, batch, cell.input_size)
        with torch.no_grad():
            projected = (cell.project(x) if cell.hoists_projection else x)[0].clone()
            state = [part.clone() for part in cell.initial_state(batch)]
        inputs.append((x, projected, state))
        dynamic.append(({0: free_time, 1: free_batch}, {0: free_batch}, [{0: free_batch} for _ in state]))
    graph = translate(trace(_Steps(cells), (inputs,), [dynamic]), opset).graph
    sources, results = iter(graph.inputs), iter(graph.outputs)
    found = {}
    for cell in cells:
        states = len(cell.state_names)
        x_value, projected_value = next(sources), next(sources)
        state_values = [next(sources) for _ in range(states)]
        project = None
        if cell.hoists_projection:
            project = _piece(graph, [x_value], [next(results)])
        recur = _piece(graph, [projected_value, *state_values], [next(results) for _ in range(states + 1)])
        found[cell] = StepGraphs(project, recur)
    return found


def _piece(graph: ir.Graph, inputs: Sequence[ir.Value], outputs: Sequence[ir.Value]) -> ir.GraphView:
    """The part of a graph that computes `outputs`."""
    needed: set[ir.Node] = set()
    waiting = [value.producer() for value in outputs]
    while waiting:
        node = waiting.pop()
        if node is None or node in needed:
            continue
        needed.add(node)
        waiting.extend(value.producer() for value in node.inputs if value is not None)
    nodes = [node for node in graph if node in needed]
    read = {value for node in nodes for value in node.inputs if value is not None}
    initializers = [value for value in graph.initializers.values() if value in read]
    return ir.GraphView(inputs, outputs, nodes=nodes, initializers=initializers)


def instantiate(
    piece: ir.GraphView, builder: Builder, inputs: Sequence[ir.Value], scope: str
) -> list[ir.Value]:
    """Add a copy of a piece's nodes to `builder`, with shared initializers, and give its outputs.

    Args:
        piece: as `step_graphs` made it.
        builder: where the nodes go.
        inputs: values for the piece's inputs.
        scope: prefix of the initializers' names; copies of one scope share them.
    """
    copy = piece.clone()
    replacement: dict[ir.Value, ir.Value] = dict(zip(copy.inputs, inputs, strict=True))
    for name, value in copy.initializers.items():
        assert value.const_value is not None
        short = re.sub(r"^cells\.\d+\.", "", name)
        replacement[value] = builder.initializer(value.const_value.numpy(), f"{scope}.{short}")
    outputs = [replacement.get(value, value) for value in copy.outputs]
    for old, new in replacement.items():
        old.replace_all_uses_with(new, replace_graph_outputs=True)
    nodes = list(copy)
    copy.outputs.clear()
    copy.remove(nodes)
    for node in nodes:
        node.metadata_props.clear()
        for value in node.outputs:
            value.shape, value.type = None, None  # those of the traced example
        builder.adopt(node)
    return outputs
