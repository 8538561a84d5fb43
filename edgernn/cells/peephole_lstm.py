"""LSTM with peepholes, Gers & Schmidhuber (2000), "Recurrent nets that time and count".

i, f, g, o = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh     (gates in torch's order)
c_t = σ(f + p_f ⊙ c_{t-1}) ⊙ c_{t-1} + σ(i + p_i ⊙ c_{t-1}) ⊙ tanh(g)
h_t = σ(o + p_o ⊙ c_t) ⊙ tanh(c_t)
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgernn.cells.backpropagated import Trace, over_rows
from edgernn.cells.base import ReferenceStep, State
from edgernn.cells.hoisted import HoistedCell, lstm_retreat, lstm_slopes
from edgernn.cells.lstm import LSTM
from edgernn.reference import peephole_lstm as reference


class Record(NamedTuple):
    """What a step leaves for its gradient, (batch, hidden) each; c is the new one."""

    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor
    tanh_c: Tensor
    c: Tensor


class PeepholeLSTM(HoistedCell[Record]):
    """An LSTM whose gates also see the cell state.

    Parameters: those of `LSTM`, and peephole (3, hidden) with the rows p_i, p_f, p_o.

    Args:
        input_size: features of x.
        hidden_size: features of h and c.
        bias: whether b_ih and b_hh exist.
    """

    state_names = ("h", "c")
    gates = 4
    onnx_op_type = "LSTM"
    onnx_gate_order = LSTM.onnx_gate_order

    def _add_weights(self, units: int) -> None:
        super()._add_weights(units)
        self.peephole = nn.Parameter(torch.empty(3, units))

    def advance(self, projected: Tensor, state: State) -> tuple[State, Record]:
        """projected = W_ih x + b_ih + b_hh (batch, 4 hidden); state (h, c)."""
        h, c = state
        p_i, p_f, p_o = self.peephole[0], self.peephole[1], self.peephole[2]
        a_i, a_f, a_g, a_o = self.with_past(projected, h).chunk(4, dim=-1)
        i, f = torch.sigmoid(torch.addcmul(a_i, p_i, c)), torch.sigmoid(torch.addcmul(a_f, p_f, c))
        g = torch.tanh(a_g)
        c = torch.addcmul(f * c, i, g)
        o, tanh_c = torch.sigmoid(torch.addcmul(a_o, p_o, c)), torch.tanh(c)
        h = o * tanh_c
        return (h, c), Record(i, f, g, o, tanh_c, c)

    def slopes(self, kept: Record, before: State) -> tuple[Tensor, ...]:
        """Those of `LSTM`, and c's ways through the gates."""
        p_i, p_f, p_o = self.peephole.unbind(0)
        to_c, by_arguments, carried = lstm_slopes(*kept[:5], before[1])
        by_i, by_f, _, by_o = by_arguments.chunk(4, dim=-1)
        return to_c + by_o * p_o, by_arguments, carried + by_i * p_i + by_f * p_f

    def retreat(self, slopes: tuple[Tensor, ...], dstate: State) -> tuple[Tensor, State, State]:
        """Back through one step."""
        return lstm_retreat(slopes, dstate, self.weight_hh)

    def weight_gradients(self, trace: Trace[Record]) -> dict[str, Tensor]:
        """W_hh and the peepholes."""
        d_i, d_f, _, d_o = trace.dprojected.chunk(4, dim=-1)
        c_before = trace.before[1]
        rows = [over_rows(d_i * c_before), over_rows(d_f * c_before), over_rows(d_o * trace.kept.c)]
        return {**super().weight_gradients(trace), "peephole": torch.stack(rows)}

    def onnx_peepholes(self) -> Tensor:
        """ONNX's order is i, o, f."""
        p_i, p_f, p_o = self.peephole.detach().unbind(0)
        return torch.cat([p_i, p_o, p_f])

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.step, self.numpy_parameters())
