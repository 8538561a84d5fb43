"""The ONNX operator RNN, LSTM or GRU: one node a layer, any length, fastest where it exists.

Where functions for edgernn's kernels are asked for, other cells have operators too, of the domain `edgernn`.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir
import torch

from edgernn.cells import Cell
from edgernn.cells.operator import OnnxOperator
from edgernn.graph.recurrence.site import Site


def can_write(site: Site) -> str | None:
    """None, or the reason why there is no operator for this layer."""
    cell = site.layer.cells[0]
    if _operator(site, cell) is not None:
        return None
    also = " and edgernn's kernels no function" if site.kernels else ""
    return f"ONNX has no operator{also} for the cell {type(cell).__name__}"


def write(site: Site) -> Sequence[ir.Value]:
    """Write the layer: y (T, B, directions × hidden) and the final states (directions, B, hidden)."""
    builder, cells = site.builder, site.layer.cells
    operators = [operator for cell in cells if (operator := _operator(site, cell)) is not None]
    first = operators[0]

    def stacked(name: str) -> ir.Value | None:
        """One of the operator's tensors, of all directions."""
        parts = [part for operator in operators if (part := getattr(operator, name)) is not None]
        return builder.initializer(torch.stack(parts), name) if parts else None

    lengths = None if site.lengths is None else builder.op("Cast", site.lengths, to=ir.DataType.INT32)
    activations = first.activations * len(cells)
    states = [] if site.starts_from_zero() else site.states()
    # W, R and B are inputs 1 to 3, the states 5 and 6, P is 7, and V, which ONNX knows nothing of, 8.
    given = [site.x, stacked("W"), stacked("R"), stacked("B"), lengths, *states]
    inputs = [*given, *[None] * (7 - len(given)), stacked("P"), stacked("V")]
    y, *finals = builder.multi(
        first.op_type,
        inputs,
        1 + len(cells[0].state_names),
        domain=first.domain,
        hidden_size=cells[0].hidden_size,
        direction="forward" if len(cells) == 1 else "bidirectional",
        **({"activations": list(activations)} if activations else {}),
        **first.attributes,
    )
    builder.nodes[-1].name = site.layer.name
    # y is (T, directions, B, hidden)
    if site.steps == 1 and len(cells) == 1 and first.outputs_state:
        # With one step h is the output, in the right shape (1, B, hidden) already.
        return [finals[0], *finals]
    if len(cells) == 1:
        return [builder.squeeze(y, 1), *finals]
    side_by_side = builder.op("Transpose", y, perm=[0, 2, 1, 3])
    return [builder.op("Reshape", side_by_side, builder.integers(0, 0, -1)), *finals]


def _operator(site: Site, cell: Cell) -> OnnxOperator | None:
    found = cell.onnx_operator()
    return cell.kernel_operator() if found is None and site.kernels else found
