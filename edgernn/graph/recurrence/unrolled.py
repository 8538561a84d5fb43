"""Plain operators, the step copied for each time step: for providers without recurrent operators or loops."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from edgernn.graph.builder import Builder
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
    projected = _by_step(builder, direction.projected, steps)
    alive = None if direction.alive is None else _by_step(builder, direction.alive, steps)
    states: Sequence[ir.Value] = direction.start
    outputs: dict[int, ir.Value] = {}
    for t in reversed(range(steps)) if direction.reverse else range(steps):
        with builder.step(direction.scope, t):
            x = builder.squeeze(projected[t], 0)
            there = None if alive is None else builder.squeeze(alive[t], 0)
            output, *states = direction.step(builder, x, states, there)
            outputs[t] = builder.unsqueeze(output, 0)
    return builder.concat([outputs[t] for t in range(steps)], axis=0), states


def _by_step(builder: Builder, value: ir.Value, steps: int) -> Sequence[ir.Value]:
    """(T, B, ·) → T times (1, B, ·). One Split: CoreML has no Gather that would pick a step."""
    return [value] if steps == 1 else builder.multi("Split", [value], steps, axis=0, num_outputs=steps)
