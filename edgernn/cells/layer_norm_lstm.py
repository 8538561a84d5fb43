"""Layer-normalised LSTM, Ba et al. (2016), "Layer normalization", supplement, equations 20 to 22.

i, f, g, o = LN(W_ih x_t; γ_ih) + b_ih + LN(W_hh h_{t-1}; γ_hh)     (the four gates are normalised together)
c_t = σ(f) ⊙ c_{t-1} + σ(i) ⊙ tanh(g)
h_t = σ(o) ⊙ tanh(LN(c_t; γ_c) + b_c)
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.cells.arrays import Array
from edgernn.cells.backpropagated import over_rows
from edgernn.cells.base import ReferenceStep, State
from edgernn.cells.hoisted import LSTMSteps
from edgernn.cells.normalization import Deviation, LayerNormCell, NormalizedPast, normalize
from edgernn.cells.operator import OnnxOperator
from edgernn.cells.steps import Parts
from edgernn.reference import layer_norm as reference


class LayerNormLSTMSteps(LSTMSteps):
    """A run of a `LayerNormLSTM`."""

    def prepare(self) -> Parts:
        """The records of both normalisations besides."""
        kept = super().prepare()
        cell, arrays, units = self.cell, self.arrays, self.units
        self.past = NormalizedPast(arrays, cell.weight_hh, self.time, self.batch, (4 * units,))
        self.halved_gain = arrays.of(cell.gain_hh) * self.half
        self.gain_c = arrays.of(cell.gain_c)
        self.bias_c = arrays.row((0.0, units)) if cell.bias_c is None else arrays.of(cell.bias_c)
        self.deviation = Deviation(arrays, self.batch, (units,))
        self.mean = arrays.empty(self.batch, 1)
        self.standard, self.scale = arrays.empty(*self.tanh_c.shape), arrays.empty(self.time, self.batch, 1)
        return *kept, self.past.standard, self.past.scale, self.standard, self.scale

    def advance(self, kept: Parts, before: Parts, after: Parts) -> None:
        """The equations above."""
        gates, i, f, g, o, tanh_c, past, past_scale, standard, scale = kept
        h, c = before
        new_h, new_c = after
        ops = self.ops
        self.past.of(h, past, past_scale)
        ops.multiply(past, self.halved_gain, out=self.scratch)
        ops.add(gates, self.scratch, out=gates)
        self.squash(gates, self.half, self.shift)
        self.carry(i, f, g, c, new_c)
        self.without_mean(new_c, standard)
        self.deviation.divide(standard, scale)
        ops.multiply(standard, self.gain_c, out=tanh_c)
        ops.add(tanh_c, self.bias_c, out=tanh_c)
        ops.tanh(tanh_c, out=tanh_c)
        ops.multiply(o, tanh_c, out=new_h)

    def without_mean(self, v: Array, out: Array) -> None:
        """out = v - mean(v)."""
        self.deviation.mean(v, self.mean)
        self.ops.subtract(v, self.mean, out=out)

    def begin_return(self) -> Parts:
        """Those of an LSTM, with LN(c) in the place of c in h's, and the records of both normalisations."""
        self.gain_hh = self.arrays.of(self.cell.gain_hh)
        records = self.past.begin_return(), self.past.standard, self.past.scale, self.standard, self.scale
        return *super().begin_return(), *records

    def retreat(self, slopes: Parts, dstate: Parts) -> None:
        """Back through one step; in the place of h's slope by LN(c) comes the gradient of that."""
        *of_lstm, dpast, past, past_scale, standard, scale = slopes
        dnormal = of_lstm[3]
        dh, dc = dstate
        ops = self.ops
        ops.multiply(dnormal, dh, out=dnormal)
        ops.multiply(dnormal, self.gain_c, out=self.small)
        self.deviation.back(self.small, standard, scale)
        self.without_mean(self.small, self.small)
        ops.add(dc, self.small, out=dc)
        da = self.through_gates(tuple(of_lstm), dh, dc)
        ops.multiply(da, self.gain_hh, out=dpast)
        self.past.back(dpast, past, past_scale, dh)

    def weight_gradients(self) -> tuple[Tensor, dict[str, Tensor]]:
        """W_hh, γ_hh, γ_c and b_c."""
        dprojected, dnormal, past, standard = (
            self.arrays.tensor(array)
            for array in (self.by_arguments, self.to_c, self.past.standard, self.standard)
        )
        return dprojected, {
            "weight_hh": self.past.weight_gradient(self.before[0]),
            "gain_hh": over_rows(dprojected * past),
            "gain_c": over_rows(dnormal * standard),
            "bias_c": over_rows(dnormal),
        }


class LayerNormLSTM(LayerNormCell):
    """An LSTM that normalises what comes from the input, what comes from the past, and the cell state.

    Parameters: those of `LayerNormCell`, gain_c (hidden,) and with `bias` bias_c (hidden,).

    Args:
        input_size: features of x.
        hidden_size: features of h and c.
        bias: whether b_ih and b_c exist.
    """

    gate_names = ("i", "f", "g", "o", "tanh c")
    state_names = ("h", "c")
    gates = 4
    steps_of_a_run = LayerNormLSTMSteps

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size, bias)
        self.gain_c = nn.Parameter(torch.ones(hidden_size))
        self.bias_c = self.shift(hidden_size)

    def project(self, x: Tensor) -> Tensor:
        """LN(W_ih x; γ_ih) + b_ih: (..., input_size) → (..., 4 hidden)."""
        return self.normalized_input(x, (4 * self.hidden_size,), self.bias_ih)

    def recur(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """State (h, c)."""
        h, c = state
        from_past = normalize(F.linear(h, self.weight_hh), self.gain_hh)
        i, f, g, o = (projected + from_past).chunk(4, dim=-1)
        i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
        c = torch.addcmul(f * c, i, g)
        h = o * torch.tanh(normalize(c, self.gain_c, self.bias_c))
        return h, (h, c)

    def _kernel_operator(self) -> OnnxOperator:
        return self.operator_with("LayerNormLSTM", self.gain_c, 1 if self.bias_c is None else self.bias_c)

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.lstm_step, self.numpy_parameters())
