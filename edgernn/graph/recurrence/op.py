"""The ONNX operator RNN, LSTM or GRU: one node a layer, any length, fastest where it exists."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir
import torch

from edgernn.graph.recurrence.site import Site


def can_write(site: Site) -> str | None:
    """None, or the reason why there is no operator for this layer."""
    cell = site.layer.cells[0]
    if cell.onnx_operator() is None:
        return f"ONNX has no operator for the cell {type(cell).__name__}"
    return None


def write(site: Site) -> Sequence[ir.Value]:
    """Write the layer: y (T, B, directions × hidden) and the final states (directions, B, hidden)."""
    builder, cells = site.builder, site.layer.cells
    operators = [operator for cell in cells if (operator := cell.onnx_operator()) is not None]
    first = operators[0]
    weights = [
        builder.initializer(torch.stack([operator.W for operator in operators]), "W"),
        builder.initializer(torch.stack([operator.R for operator in operators]), "R"),
    ]
    biases = [operator.B for operator in operators if operator.B is not None]
    bias = builder.initializer(torch.stack(biases), "B") if biases else None
    lengths = None if site.lengths is None else builder.op("Cast", site.lengths, to=ir.DataType.INT32)
    attributes = dict(first.attributes)
    activations = first.activations * len(cells)
    inputs = [site.x, *weights, bias, lengths, *([] if site.starts_from_zero() else site.states())]
    peepholes = [operator.P for operator in operators if operator.P is not None]
    if peepholes:
        inputs += [None] * (7 - len(inputs))  # P is the eighth input, behind both states
        inputs.append(builder.initializer(torch.stack(peepholes), "P"))
    outputs = builder.multi(
        first.op_type,
        inputs,
        1 + len(cells[0].state_names),
        hidden_size=cells[0].hidden_size,
        direction="forward" if len(cells) == 1 else "bidirectional",
        **({"activations": list(activations)} if activations else {}),
        **attributes,
    )
    builder.nodes[-1].name = site.layer.name
    y, *finals = outputs  # y is (T, directions, B, hidden)
    if site.steps == 1 and len(cells) == 1:
        # With one step h is the output, in the right shape (1, B, hidden) already.
        return [finals[0], *finals]
    if len(cells) == 1:
        return [builder.squeeze(y, 1), *finals]
    side_by_side = builder.op("Transpose", y, perm=[0, 2, 1, 3])
    return [builder.op("Reshape", side_by_side, builder.integers(0, 0, -1)), *finals]
