"""LSTM with peepholes, Gers & Schmidhuber (2000), "Recurrent nets that time and count".

i, f, g, o = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh     (gates in torch's order)
c_t = σ(f + p_f ⊙ c_{t-1}) ⊙ c_{t-1} + σ(i + p_i ⊙ c_{t-1}) ⊙ tanh(g)
h_t = σ(o + p_o ⊙ c_t) ⊙ tanh(c_t)
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from edgernn.cells.backpropagated import over_rows
from edgernn.cells.base import ReferenceStep, State
from edgernn.cells.hoisted import HoistedCell, HoistedSteps
from edgernn.cells.lstm import LSTM
from edgernn.cells.steps import Parts
from edgernn.reference import peephole_lstm as reference


class PeepholeSteps(HoistedSteps):
    """A run of a `PeepholeLSTM`."""

    def prepare(self) -> Parts:
        """i and f together first: they see the old c, and o the new one."""
        kept = super().prepare()
        peephole = self.arrays.of(self.cell.peephole) * 0.5
        self.peephole_if, self.peephole_o = peephole[:2], peephole[2]
        units = self.units
        self.of_ifg = self.half[: 3 * units], self.shift[: 3 * units]
        self.of_o = self.half[:units], self.half[:units]
        self.seen = self.arrays.empty(self.batch, 2, units)
        by_gate = self.gates.reshape(self.time, self.batch, 4, units)
        c_before = self.before[1][:, :, None]
        return by_gate[:, :, :2], self.gates[..., : 3 * units], c_before, *kept

    def advance(self, kept: Parts, before: Parts, after: Parts) -> None:
        """The equations above."""
        gates_if, gates_ifg, c_before, gates, i, f, g, o, tanh_c = kept
        h, c = before
        new_h, new_c = after
        ops = self.ops
        self.add_past(gates, h)
        ops.multiply(c_before, self.peephole_if, out=self.seen)
        ops.add(gates_if, self.seen, out=gates_if)
        self.squash(gates_ifg, *self.of_ifg)
        self.carry(i, f, g, c, new_c)
        ops.multiply(new_c, self.peephole_o, out=self.small)
        ops.add(o, self.small, out=o)
        self.squash(o, *self.of_o)
        ops.tanh(new_c, out=tanh_c)
        ops.multiply(o, tanh_c, out=new_h)

    def begin_return(self) -> Parts:
        """c is carried through the gates too, so that its slope is another than f."""
        self.peephole = self.arrays.of(self.cell.peephole)
        *slopes, _ = super().begin_return()
        self.carried = self.arrays.empty(self.time, self.batch, self.units)
        return *slopes, self.carried

    def slopes(self, part: slice) -> None:
        """Those of an LSTM, and c's ways through the gates."""
        super().slopes(part)
        p_i, p_f, p_o = self.peephole
        by_i, by_f, _, by_o = self.split(self.by_arguments[part])
        carried = self.carried[part]
        self.to_c[part] += by_o * p_o
        self.ops.multiply(by_i, p_i, out=carried)
        carried += by_f * p_f
        carried += self.split(self.gates[part])[1]

    def weight_gradients(self) -> tuple[Tensor, dict[str, Tensor]]:
        """W_hh and the peepholes."""
        dprojected, found = super().weight_gradients()
        d_i, d_f, _, d_o = dprojected.chunk(4, dim=-1)
        old, new = self.arrays.tensor(self.before[1]), self.arrays.tensor(self.after[1])
        found["peephole"] = torch.stack([over_rows(d_i * old), over_rows(d_f * old), over_rows(d_o * new)])
        return dprojected, found


class PeepholeLSTM(HoistedCell):
    """An LSTM whose gates also see the cell state.

    Parameters: those of `LSTM`, and peephole (3, hidden) with the rows p_i, p_f, p_o.

    Args:
        input_size: features of x.
        hidden_size: features of h and c.
        bias: whether b_ih and b_hh exist.
    """

    gate_names = ("i", "f", "g", "o", "tanh c")
    state_names = ("h", "c")
    gates = 4
    onnx_op_type = "LSTM"
    onnx_gate_order = LSTM.onnx_gate_order
    steps_of_a_run = PeepholeSteps

    def _add_weights(self, units: int) -> None:
        super()._add_weights(units)
        self.peephole = nn.Parameter(torch.empty(3, units))

    def recur(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """projected = W_ih x + b_ih + b_hh (batch, 4 hidden); state (h, c)."""
        h, c = state
        p_i, p_f, p_o = self.peephole[0], self.peephole[1], self.peephole[2]
        a_i, a_f, a_g, a_o = self.with_past(projected, h).chunk(4, dim=-1)
        i, f = torch.sigmoid(torch.addcmul(a_i, p_i, c)), torch.sigmoid(torch.addcmul(a_f, p_f, c))
        g = torch.tanh(a_g)
        c = torch.addcmul(f * c, i, g)
        o, tanh_c = torch.sigmoid(torch.addcmul(a_o, p_o, c)), torch.tanh(c)
        h = o * tanh_c
        return h, (h, c)

    def onnx_peepholes(self) -> Tensor:
        """ONNX's order is i, o, f."""
        p_i, p_f, p_o = self.peephole.detach().unbind(0)
        return torch.cat([p_i, p_o, p_f])

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.step, self.numpy_parameters())
