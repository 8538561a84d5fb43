"""What Scan, Loop and unrolled share: directions, lengths, initial states, the hoisted projection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgernn.cells import Cell
from edgernn.graph.builder import Builder
from edgernn.graph.recurrence.site import Site
from edgernn.graph.step import instantiate


@dataclass(frozen=True)
class Direction:
    """One direction of one layer.

    Attributes:
        site: where it is written.
        cell: its cell.
        scope: prefix of its constants' names.
        projected: the cell's projected input at all steps (T, B, ·).
        start: the states before its first step, (B, size) each.
        alive: (T, B, 1) booleans, whether a row has not ended; None where all rows have T steps.
        reverse: whether it reads from the end to the start.
    """

    site: Site
    cell: Cell
    scope: str
    projected: ir.Value
    start: tuple[ir.Value, ...]
    alive: ir.Value | None
    reverse: bool

    def step(
        self, builder: Builder, projected: ir.Value, states: Sequence[ir.Value], alive: ir.Value | None
    ) -> list[ir.Value]:
        """Add one step: projected (B, ·), states (B, size), alive (B, 1) → output and new states."""
        graphs = self.site.step_graphs(self.cell)
        output, *new = instantiate(graphs.recur, builder, [projected, *states], self.scope)
        if alive is None:
            return [output, *new]
        zero = builder.initializer(np.zeros((), np.float32), "zero")
        return [
            builder.op("Where", alive, output, zero),
            *(builder.op("Where", alive, fresh, old) for fresh, old in zip(new, states, strict=True)),
        ]

    def body(self, builder: Builder, inputs: Sequence[ir.Value], outputs: Sequence[ir.Value]) -> ir.Graph:
        """The body of a Scan or a Loop; `outputs` end with the new states and the output.

        onnxruntime wants the outputs of a body to be made in it and to be different values; where they are
        not, it computes garbage without a word.
        """
        made = {value for node in builder.nodes for value in node.outputs}
        results: list[ir.Value] = []
        for value in outputs:
            fresh = value in made and value not in results
            results.append(value if fresh else builder.op("Identity", value))
        sizes = [*self.cell.state_sizes, self.cell.hidden_size]
        for value, size in zip(results[-len(sizes) :], sizes, strict=True):
            value.dtype, value.shape = ir.DataType.FLOAT, ir.Shape([None, size])
        return ir.Graph(list(inputs), results, nodes=builder.nodes, name=f"{self.name}.step")

    @property
    def name(self) -> str:
        """Readable and unique within a model."""
        return f"{self.site.layer.name}.{self.scope}"

    def state_inputs(self) -> list[ir.Value]:
        """Inputs of a body for the states, (B, size) each."""
        return [
            ir.val(f"{self.name}.{state}", ir.DataType.FLOAT, [None, size])
            for state, size in zip(self.cell.state_names, self.cell.state_sizes, strict=True)
        ]


RunDirection = Callable[[Direction], tuple[ir.Value, Sequence[ir.Value]]]


def write_stepwise(site: Site, run: RunDirection) -> Sequence[ir.Value]:
    """Write a layer direction by direction; `run` gives y (T, B, hidden) and the final states (B, size)."""
    builder, cells = site.builder, site.layer.cells
    states = site.states()
    alive = _alive(site)
    outputs: list[ir.Value] = []
    finals: list[Sequence[ir.Value]] = []
    for d, cell in enumerate(cells):
        scope = "backward" if d else "forward"
        project = site.step_graphs(cell).project
        projected = (
            site.x if project is None else instantiate(project, builder, [site.x], f"{scope}.project")[0]
        )
        start = tuple(_pick_direction(builder, state, d, len(cells)) for state in states)
        y, final = run(Direction(site, cell, scope, projected, start, alive, reverse=d == 1))
        outputs.append(y)
        finals.append(final)
    joined = [
        builder.concat([builder.unsqueeze(part, 0) for part in parts], axis=0)
        if used
        else parts[0]  # nobody reads it
        for parts, used in zip(zip(*finals, strict=True), site.final_used, strict=True)
    ]
    return [builder.concat(outputs, axis=-1), *joined]


def _pick_direction(builder: Builder, state: ir.Value, d: int, directions: int) -> ir.Value:
    """(directions, B, size) → (B, size) of one direction."""
    if directions == 1:
        return builder.squeeze(state, 0)
    return builder.squeeze(builder.op("Slice", state, builder.integers(d), builder.integers(d + 1)), 0)


def _alive(site: Site) -> ir.Value | None:
    """(T, B, 1): whether step t lies before row b's end."""
    if site.lengths is None:
        return None
    builder = site.builder
    zero = builder.initializer(np.array(0, np.int64), "step_zero")
    one = builder.initializer(np.array(1, np.int64), "step_one")
    steps = builder.squeeze(builder.op("Shape", site.x, start=0, end=1), 0)
    times = builder.op("Unsqueeze", builder.op("Range", zero, steps, one), builder.integers(1, 2))
    lengths = builder.op("Cast", site.lengths, to=ir.DataType.INT64)
    return builder.op("Less", times, builder.unsqueeze(lengths, 1))
