"""The simple recurrent unit, Lei et al. (2018), "Simple recurrent units for highly parallelizable
recurrence"; gates as in its first version, arXiv:1709.02755v1, where they do not see the state.

f = σ(W_f x_t + b_f)
r = σ(W_r x_t + b_r)
c_t = f ⊙ c_{t-1} + (1 - f) ⊙ W x_t
h_t = r ⊙ g(c_t) + (1 - r) ⊙ x_t         g: the identity or tanh; W_x x_t for x_t where sizes differ
"""

from __future__ import annotations

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.cells.base import ReferenceStep
from edgernn.cells.linear import Blocks, MixingCell
from edgernn.cells.operator import OnnxOperator, own_operator, stack_blocks
from edgernn.cells.products import linear
from edgernn.errors import InputError
from edgernn.reference import sru as reference

_ACTIVATIONS = ("identity", "tanh")


class SRU(MixingCell):
    """Gates of the input alone, and a way past them for the input: it trains in parallel over time.

    Parameters: weight (3 hidden, input), rows W, W_f, W_r, and where input and hidden sizes differ W_x
    (4 hidden, input); with `bias` gate_bias (2 hidden,), f before r. Weights are drawn uniform in
    ±√(3/input), as in the paper; biases are 0 at first.

    Args:
        input_size: features of x.
        hidden_size: features of h and c.
        activation: "identity" or "tanh".
        bias: whether b_f and b_r exist.
    """

    state_names = ("c",)
    blocks = 4

    def __init__(
        self, input_size: int, hidden_size: int, activation: str = "identity", bias: bool = True
    ) -> None:
        super().__init__(input_size, hidden_size)
        if activation not in _ACTIVATIONS:
            raise InputError(f"SRU: activation must be one of {sorted(_ACTIVATIONS)}, found {activation!r}.")
        self.activation, self.bias = activation, bias
        blocks = 3 if input_size == hidden_size else 4
        bound = math.sqrt(3 / input_size)
        self.weight = nn.Parameter(torch.empty(blocks * hidden_size, input_size).uniform_(-bound, bound))
        self.register_parameter("gate_bias", nn.Parameter(torch.zeros(2 * hidden_size)) if bias else None)

    gate_bias: Tensor | None

    @property
    def gate_names(self) -> tuple[str, ...]:
        """Of the output, behind f and n of the recurrence."""
        return ("tanh c", "r") if self.activation == "tanh" else ("r",)

    def project(self, x: Tensor) -> Tensor:
        """W x, the gates' arguments and what goes past them: (..., input_size) → (..., 4 hidden_size)."""
        bias, size = None, self.hidden_size
        alike = self.input_size == size
        # While training, x passes as one more block of rows: the gradient of a concatenation is two copies
        # of all time steps, which take longer than the multiplications with ones and zeros.
        trains = alike and torch.is_grad_enabled() and not torch.compiler.is_compiling()
        weight = torch.cat([self.weight, torch.eye(size).to(self.weight)]) if trains else self.weight
        if self.gate_bias is not None:
            bias = F.pad(self.gate_bias, (size, weight.shape[0] - 3 * size))
        projected = linear(x, weight, bias)
        return torch.cat([projected, x], dim=-1) if alike and not trains else projected

    def mixture(self, blocks: Blocks) -> tuple[Tensor, Tensor]:
        """f and W x."""
        candidate, a_f, _, _ = blocks
        return torch.sigmoid(a_f), candidate

    def emit(self, blocks: Blocks, h: Tensor) -> Tensor:
        """h from c."""
        _, _, a_r, past = blocks
        c = torch.tanh(h) if self.activation == "tanh" else h
        return past + torch.sigmoid(a_r) * (c - past)

    def _kernel_operator(self) -> OnnxOperator:
        size, alike = self.hidden_size, self.input_size == self.hidden_size
        return own_operator(
            "SRU" if alike else "ProjectedSRU",
            self.weight,
            B=None if self.gate_bias is None else stack_blocks(size, 1, self.gate_bias, 0 if alike else 1),
            activations=("Tanh",) if self.activation == "tanh" else (),
            outputs_state=False,
        )

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.step, self.numpy_parameters(), activation=self.activation)
