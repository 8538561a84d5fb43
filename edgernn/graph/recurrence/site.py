"""One place of a graph where a recurrence is to be written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import onnx_ir as ir
import torch
from torch import Tensor

from edgernn.capture import Layer
from edgernn.cells import Cell
from edgernn.graph.builder import Builder
from edgernn.graph.step import StepGraphs
from edgernn.sequence import initial_states


@dataclass(frozen=True)
class Site:
    """What a form needs to write one layer.

    Attributes:
        builder: takes the nodes.
        layer: the cells.
        x: the input (T, B, F).
        lengths: (B,) integers, or None.
        given_states: (directions, B, size) each; empty where the layer starts from its initial states.
        steps: the number of time steps where it is fixed; None where it is free.
        final_used: for each state, whether anything reads its final value.
        step_graphs: gives a cell's step as ONNX, made once for each cell.
        kernels: whether operators may be used that only edgernn's functions and kernels know.
    """

    builder: Builder
    layer: Layer
    x: ir.Value
    lengths: ir.Value | None
    given_states: tuple[ir.Value, ...]
    steps: int | None
    final_used: tuple[bool, ...]
    step_graphs: Callable[[Cell], StepGraphs]
    kernels: bool = False

    def initial_states(self) -> tuple[Tensor, ...]:
        """The cells' own initial states for one row: (directions, 1, size) each."""
        with torch.no_grad():
            return initial_states(self.layer.cells, 1)

    def starts_from_zero(self) -> bool:
        """Whether no states are given and all initial states are zero."""
        return not self.given_states and not any(bool(part.any()) for part in self.initial_states())

    def states(self) -> Sequence[ir.Value]:
        """The states before the first step, (directions, B, size) each, as values of the graph."""
        if self.given_states:
            return self.given_states
        builder = self.builder
        batch = builder.op("Shape", self.x, start=1, end=2)
        states = []
        for name, part in zip(self.layer.cells[0].state_names, self.initial_states(), strict=True):
            shape = builder.concat(
                [builder.integers(self.layer.directions), batch, builder.integers(part.shape[-1])], axis=0
            )
            states.append(builder.op("Expand", builder.initializer(part, f"initial_{name}"), shape))
        return states
