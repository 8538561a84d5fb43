"""How a cell maps to a recurrent operator: of ONNX, or of edgernn's own kernels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class OnnxOperator:
    """The operator that computes one direction of a cell over time, with weights in ONNX layout.

    Attributes:
        op_type: "RNN", "LSTM" or "GRU"; or the name of a kind of edgernn's own (`edgernn/quantize/kinds/`),
            which says what its blocks of rows are.
        W: input weights (gates × hidden, input), gates in the operator's order.
        R: recurrence weights (gates × hidden, hidden), gates in that order; None where no unit sees another.
        B: input biases then recurrence biases (2 × gates × hidden,); of a cell without R the former alone;
            None for a cell without.
        P: weights of single units: an LSTM's peepholes (3 × hidden,) of the gates i, o, f; of another kind
            its blocks of (hidden,). None for a cell without.
        V: weights (hidden, units) of a projection of the state; None for a cell without.
        activations: ONNX activation names of one direction.
        attributes: further attributes of the node.
        domain: of the operator; empty for ONNX's own.
        outputs_state: whether the output is the first state.
    """

    op_type: str
    W: Tensor
    R: Tensor | None = None
    B: Tensor | None = None
    P: Tensor | None = None
    V: Tensor | None = None
    activations: tuple[str, ...] = ()
    attributes: dict[str, int] = field(default_factory=dict)
    domain: str = ""
    outputs_state: bool = True


def own_operator(op_type: str, W: Tensor, **rest: Any) -> OnnxOperator:
    """An operator that only edgernn's functions and kernels know; `rest` are the attributes above."""
    return OnnxOperator(op_type, W, domain="edgernn", **rest)


def stack_blocks(units: int, *parts: Tensor | int | None) -> Tensor:
    """P or B of a cell: tensors of whole blocks one behind the other.

    A tensor of one element is repeated for every unit; a number stands for so many blocks of zeros.
    """
    tensors = [part for part in parts if isinstance(part, Tensor)]
    anchor = tensors[0].detach()
    made = []
    for part in parts:
        if isinstance(part, Tensor):
            made.append(part.detach().expand(units) if part.numel() == 1 else part.detach())
        elif part:
            made.append(anchor.new_zeros(part * units))
    return torch.cat(made)
