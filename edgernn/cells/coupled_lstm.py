"""LSTM with coupled input and forget gate, Greff et al. (2017), "LSTM: a search space odyssey".

i, g, o = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh
c_t = (1 - σ(i)) ⊙ c_{t-1} + σ(i) ⊙ tanh(g)            it forgets as much as it takes in
h_t = σ(o) ⊙ tanh(c_t)
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from edgernn.cells.backpropagated import sigmoid_slope, tanh_slope
from edgernn.cells.base import ReferenceStep, State
from edgernn.cells.hoisted import HoistedCell, lstm_retreat
from edgernn.reference import coupled_lstm as reference


class Record(NamedTuple):
    """What a step leaves for its gradient, (batch, hidden) each."""

    i: Tensor
    g: Tensor
    o: Tensor
    tanh_c: Tensor


class CoupledLSTM(HoistedCell[Record]):
    """An LSTM of three gates: the forget gate is 1 - the input gate.

    ONNX's LSTM has an attribute for it, `input_forget`, with four gates still; the one for forgetting is
    never looked at. The operator's weights are thus a third larger than the cell's.

    Args:
        input_size: features of x.
        hidden_size: features of h and c.
        bias: whether b_ih and b_hh exist.
    """

    state_names = ("h", "c")
    gates = 3
    onnx_op_type = "LSTM"

    def advance(self, projected: Tensor, state: State) -> tuple[State, Record]:
        """projected = W_ih x + b_ih + b_hh (batch, 3 hidden); state (h, c)."""
        h, c = state
        a_i, a_g, a_o = self.with_past(projected, h).chunk(3, dim=-1)
        i, g, o = torch.sigmoid(a_i), torch.tanh(a_g), torch.sigmoid(a_o)
        c = (1 - i) * c + i * g
        tanh_c = torch.tanh(c)
        h = o * tanh_c
        return (h, c), Record(i, g, o, tanh_c)

    def slopes(self, kept: Record, before: State) -> tuple[Tensor, ...]:
        """As `lstm_slopes`, without a forget gate."""
        i, g, o, tanh_c = kept
        parts = (g - before[1]) * sigmoid_slope(i), i * tanh_slope(g), tanh_c * sigmoid_slope(o)
        return o * tanh_slope(tanh_c), torch.cat(parts, dim=-1), 1 - i

    def retreat(self, slopes: tuple[Tensor, ...], dstate: State) -> tuple[Tensor, State, State]:
        """Back through one step."""
        return lstm_retreat(slopes, dstate, self.weight_hh)

    def onnx_attributes(self) -> dict[str, int]:
        """ONNX's default is a forget gate of its own."""
        return {"input_forget": 1}

    def _onnx_rows(self, stacked: Tensor) -> Tensor:
        """Rows i, g, o → ONNX's i, o, f, c (c is torch's g), those of f zero."""
        i, g, o = stacked.detach().chunk(3)
        return torch.cat([i, o, torch.zeros_like(i), g])

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.step, self.numpy_parameters())
