"""How a cell maps to an ONNX recurrent operator."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class OnnxOperator:
    """The operator that computes one direction of a cell over time, with weights in ONNX layout.

    Attributes:
        op_type: "RNN", "LSTM" or "GRU".
        W: input weights (gates × hidden, input), gates in ONNX order.
        R: recurrence weights (gates × hidden, hidden), gates in ONNX order.
        B: input biases then recurrence biases (2 × gates × hidden,); None for a cell without.
        P: an LSTM's peephole weights (3 × hidden,) of the gates i, o, f; None for a cell without.
        activations: ONNX activation names of one direction.
        attributes: further attributes of the node.
    """

    op_type: str
    W: Tensor
    R: Tensor
    B: Tensor | None
    P: Tensor | None = None
    activations: tuple[str, ...] = ()
    attributes: dict[str, int] = field(default_factory=dict)
