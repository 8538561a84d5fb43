"""Long short-term memory, Hochreiter & Schmidhuber (1997), with the forget gate of Gers et al. (2000).

i, f, g, o = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh     (gates in torch's order)
c_t = σ(f) ⊙ c_{t-1} + σ(i) ⊙ tanh(g)
h_t = σ(o) ⊙ tanh(c_t)
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from edgernn.cells.base import ReferenceStep, State
from edgernn.cells.gated import GatedCell
from edgernn.reference import lstm as reference


class LSTM(GatedCell):
    """The LSTM of torch and of ONNX.

    Args:
        input_size: features of x.
        hidden_size: features of h and c.
        bias: whether b_ih and b_hh exist.
    """

    gate_names = ("f", "i", "g", "o", "tanh c")
    state_names = ("h", "c")
    gates = 4
    onnx_op_type = "LSTM"
    onnx_gate_order = (0, 3, 1, 2)  # torch i, f, g, o → ONNX i, o, f, c (c is torch's g)

    def recur(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """projected = W_ih x + b_ih (batch, 4 hidden); state (h, c)."""
        h, c = state
        i, f, g, o = (projected + F.linear(h, self.weight_hh, self.bias_hh)).chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, (h, c)

    def _torch_mode(self) -> str:
        return "LSTM"

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.step, self.numpy_parameters())
