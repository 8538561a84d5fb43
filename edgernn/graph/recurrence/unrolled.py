"""Plain operators, the step copied for each time step: for providers without recurrent operators or loops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from edgernn.graph.recurrence.site import Site
from edgernn.graph.recurrence.stepwise import Direction, write_stepwise


def can_write(site: Site) -> str | None:
    """None, or why not: the number of steps must be known."""
    return None if site.steps is not None else "an unrolled graph needs a fixed number of time steps"


def write(site: Site) -> Sequence[ir.Value]:
    """Write the layer: y (T, B, directions × hidden) and the final states (directions, B, size)."""
    return write_stepwise(site, _run)


def _run(direction: Direction) -> tuple[ir.Value, Sequence[ir.Value]]:
    builder, steps = direction.site.builder, direction.site.steps
    assert steps is not None
    states: Sequence[ir.Value] = direction.start
    outputs: dict[int, ir.Value] = {}
    for t in reversed(range(steps)) if direction.reverse else range(steps):
        at = builder.initializer(np.array(t, np.int64), f"step_{t}")
        with builder.step(direction.scope, t):
            projected = builder.op("Gather", direction.projected, at, axis=0)
            alive = None if direction.alive is None else builder.op("Gather", direction.alive, at, axis=0)
            output, *states = direction.step(builder, projected, states, alive)
            outputs[t] = builder.unsqueeze(output, 0)
    return builder.concat([outputs[t] for t in range(steps)], axis=0), states
