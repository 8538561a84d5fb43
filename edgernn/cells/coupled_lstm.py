"""LSTM with coupled input and forget gate, Greff et al. (2017), "LSTM: a search space odyssey".

i, g, o = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh
c_t = (1 - σ(i)) ⊙ c_{t-1} + σ(i) ⊙ tanh(g)            it forgets as much as it takes in
h_t = σ(o) ⊙ tanh(c_t)
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from edgernn.cells.base import ReferenceStep, State
from edgernn.cells.gated import GatedCell
from edgernn.reference import coupled_lstm as reference


class CoupledLSTM(GatedCell):
    """An LSTM of three gates: the forget gate is 1 - the input gate.

    Because 1 - σ(i) = σ(-i), it is a plain LSTM whose forget gate has the negative weights of its input gate.
    So torch's kernel trains it and ONNX's LSTM computes it, on every provider that has one; the operator's
    weights are a third larger than the cell's. (ONNX's attribute `input_forget` says the same to fewer.)

    Args:
        input_size: features of x.
        hidden_size: features of h and c.
        bias: whether b_ih and b_hh exist.
    """

    gate_names = ("i", "g", "o", "tanh c")
    state_names = ("h", "c")
    gates = 3
    onnx_op_type = "LSTM"

    def recur(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """projected = W_ih x + b_ih (batch, 3 hidden); state (h, c)."""
        h, c = state
        i, g, o = (projected + F.linear(h, self.weight_hh, self.bias_hh)).chunk(3, dim=-1)
        i = torch.sigmoid(i)
        c = (1 - i) * c + i * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, (h, c)

    def _torch_mode(self) -> str:
        return "LSTM"

    def flat_weights(self) -> list[Tensor]:
        """The weights of the plain LSTM: rows i, g, o → torch's i, f, g, o."""
        plain = []
        for weight in super().flat_weights():
            i, g, o = weight.chunk(3)
            plain.append(torch.cat([i, -i, g, o]))
        return plain

    def _onnx_rows(self, stacked: Tensor) -> Tensor:
        """Rows i, g, o → ONNX's i, o, f, c (c is torch's g)."""
        i, g, o = stacked.detach().chunk(3)
        return torch.cat([i, o, -i, g])

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.step, self.numpy_parameters())
