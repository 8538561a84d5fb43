"""ONNX Loop: any cell, any length; the form that can also end on what it computes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from edgernn.graph.recurrence.site import Site
from edgernn.graph.recurrence.stepwise import Direction, write_stepwise


def can_write(site: Site) -> str | None:
    """Every cell can be written as a Loop."""
    return None


def write(site: Site) -> Sequence[ir.Value]:
    """Write the layer: y (T, B, directions × hidden) and the final states (directions, B, size)."""
    return write_stepwise(site, _run)


def _run(direction: Direction) -> tuple[ir.Value, Sequence[ir.Value]]:
    builder = direction.site.builder
    inner = builder.inner()
    name = direction.name
    number = ir.val(f"{name}.iteration", ir.DataType.INT64, [])
    proceed = ir.val(f"{name}.proceed", ir.DataType.BOOL, [])
    states = direction.state_inputs()
    steps = builder.squeeze(builder.op("Shape", direction.projected, start=0, end=1), 0)
    at = number
    if direction.reverse:
        last = builder.op("Sub", steps, builder.initializer(np.array(1, np.int64), "one"))
        at = inner.op("Sub", last, number)
    projected = inner.op("Gather", direction.projected, at, axis=0)
    alive = None if direction.alive is None else inner.op("Gather", direction.alive, at, axis=0)
    output, *new = direction.step(inner, projected, states, alive)
    inner_proceed = inner.op("Identity", proceed)
    inner_proceed.dtype, inner_proceed.shape = ir.DataType.BOOL, ir.Shape([])
    body = direction.body(inner, [number, proceed, *states], [inner_proceed, *new, output])
    always = builder.initializer(np.array(True), "true")
    *finals, y = builder.multi("Loop", [steps, always, *direction.start], len(states) + 1, body=body)
    builder.nodes[-1].name = name
    if direction.reverse:
        # The loop stacks its outputs in the order of its turns.
        start, end = builder.integers(-1), builder.integers(np.iinfo(np.int64).min)
        y = builder.op("Slice", y, start, end, builder.integers(0), builder.integers(-1))
    return y, finals
