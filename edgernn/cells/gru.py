"""Gated recurrent unit, Cho et al. (2014), in two forms.

r = σ(W_ir x_t + b_ir + W_hr h_{t-1} + b_hr)
z = σ(W_iz x_t + b_iz + W_hz h_{t-1} + b_hz)
reset after (torch, cuDNN):   n = tanh(W_in x_t + b_in + r ⊙ (W_hn h_{t-1} + b_hn))
reset before (Cho et al.):    n = tanh(W_in x_t + b_in + W_hn (r ⊙ h_{t-1}) + b_hn)
h_t = (1 - z) ⊙ n + z ⊙ h_{t-1}
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from edgernn.cells.base import ReferenceStep, State
from edgernn.cells.gated import GatedCell
from edgernn.reference import gru as reference


class GRU(GatedCell):
    """The GRU of torch (`reset_after=True`) or of the paper (`reset_after=False`).

    Args:
        input_size: features of x.
        hidden_size: features of h.
        bias: whether b_ih and b_hh exist.
        reset_after: whether the reset gate scales the matrix product (torch) or its operand (the paper).
    """

    gates = 3
    onnx_op_type = "GRU"
    onnx_gate_order = (1, 0, 2)  # torch r, z, n → ONNX z, r, h (h is torch's n)

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, reset_after: bool = True
    ) -> None:
        super().__init__(input_size, hidden_size, bias)
        self.reset_after = reset_after

    @property
    def gate_names(self) -> tuple[str, ...]:
        """Reset, update and new; the order depends on where the reset gate stands."""
        return ("r", "n", "z") if self.reset_after else ("r", "z", "n")

    def recur(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """projected = W_ih x + b_ih (batch, 3 hidden); state (h,)."""
        (h,) = state
        if self.reset_after:
            x_r, x_z, x_n = projected.chunk(3, dim=-1)
            h_r, h_z, h_n = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
            n = torch.tanh(x_n + torch.sigmoid(x_r + h_r) * h_n)
            z = torch.sigmoid(x_z + h_z)
        else:
            size = self.hidden_size
            x_rz, x_n = projected.split([2 * size, size], dim=-1)
            bias_rz, bias_n = (None, None) if self.bias_hh is None else self.bias_hh.split([2 * size, size])
            weight_rz, weight_n = self.weight_hh.split([2 * size, size])
            r, z = torch.sigmoid(x_rz + F.linear(h, weight_rz, bias_rz)).chunk(2, dim=-1)
            n = torch.tanh(x_n + F.linear(r * h, weight_n, bias_n))
        h = (1 - z) * n + z * h
        return h, (h,)

    def _torch_mode(self) -> str | None:
        return "GRU" if self.reset_after else None

    def onnx_attributes(self) -> dict[str, int]:
        """ONNX's default is reset before."""
        return {"linear_before_reset": int(self.reset_after)}

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.step, self.numpy_parameters(), reset_after=self.reset_after)
