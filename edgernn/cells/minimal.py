"""What minGRU and minLSTM share (Feng et al., 2024): gates that do not look at the state."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgernn.cells.linear import MixingCell
from edgernn.cells.operator import OnnxOperator, own_operator
from edgernn.cells.products import through


class MinimalCell(MixingCell):
    """Gates of the input alone.

    Parameters: gates.weight (blocks × hidden, input), and with `bias` gates.bias (blocks × hidden,).

    Args:
        input_size: features of x.
        hidden_size: features of h.
        bias: whether the gates have biases.
        positive: whether the candidate goes through g(v) = v + 1/2 for v ≥ 0, σ(v) for v < 0, which the
            paper's log-space form needs, and h stays positive then. False: it is W_n x + b_n as it is.
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, positive: bool = False) -> None:
        super().__init__(input_size, hidden_size)
        self.bias, self.positive = bias, positive
        self.gates = nn.Linear(input_size, self.blocks * hidden_size, bias)

    def project(self, x: Tensor) -> Tensor:
        """The gates' arguments and the candidate, last: (..., input_size) → (..., blocks × hidden_size)."""
        projected = through(self.gates, x)
        if not self.positive:
            return projected
        *gates, v = projected.chunk(self.blocks, dim=-1)
        return torch.cat([*gates, torch.where(v >= 0, v + 0.5, torch.sigmoid(v))], dim=-1)

    def operator_named(self, op_type: str) -> OnnxOperator:
        """The operator of edgernn's kernels."""
        activations = ("Positive",) if self.positive else ()
        return own_operator(op_type, self.gates.weight, B=self.gates.bias, activations=activations)
