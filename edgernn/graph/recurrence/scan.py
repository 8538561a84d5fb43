"""ONNX Scan: any cell, any length; the step is the body."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from edgernn.graph.recurrence.site import Site
from edgernn.graph.recurrence.stepwise import Direction, write_stepwise


def can_write(site: Site) -> str | None:
    """Every cell can be written as a Scan."""
    return None


def write(site: Site) -> Sequence[ir.Value]:
    """Write the layer: y (T, B, directions × hidden) and the final states (directions, B, size)."""
    return write_stepwise(site, _run)


def _run(direction: Direction) -> tuple[ir.Value, Sequence[ir.Value]]:
    builder = direction.site.builder
    inner = builder.inner()
    name = direction.name
    states = direction.state_inputs()
    projected = ir.val(f"{name}.projected", ir.DataType.FLOAT, [None, None])
    alive = None if direction.alive is None else ir.val(f"{name}.alive", ir.DataType.BOOL, [None, 1])
    output, *new = direction.step(inner, projected, states, alive)
    scanned = [projected] if alive is None else [projected, alive]
    body = direction.body(inner, [*states, *scanned], [*new, output])
    backwards = int(direction.reverse)
    inputs = [*direction.start, direction.projected, *([] if direction.alive is None else [direction.alive])]
    *finals, y = builder.multi(
        "Scan",
        inputs,
        len(states) + 1,
        body=body,
        num_scan_inputs=len(scanned),
        scan_input_directions=[backwards] * len(scanned),
        scan_output_directions=[backwards],
    )
    builder.nodes[-1].name = name
    return y, finals
