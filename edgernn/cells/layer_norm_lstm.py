"""Layer-normalised LSTM, Ba et al. (2016), "Layer normalization", supplement, equations 20 to 22.

i, f, g, o = LN(W_ih x_t; γ_ih) + b_ih + LN(W_hh h_{t-1}; γ_hh)     (the four gates are normalised together)
c_t = σ(f) ⊙ c_{t-1} + σ(i) ⊙ tanh(g)
h_t = σ(o) ⊙ tanh(LN(c_t; γ_c) + b_c)
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.cells.backpropagated import Trace, outer_product, over_rows
from edgernn.cells.base import ReferenceStep, State
from edgernn.cells.hoisted import lstm_slopes
from edgernn.cells.normalization import LayerNormCell, Normalized, normalization_gradient, normalize
from edgernn.reference import layer_norm as reference


class Record(NamedTuple):
    """What a step leaves for its gradient: its gates, tanh(…), and the records of W_hh h and c."""

    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor
    tanh_c: Tensor
    past: Tensor
    past_mean: Tensor
    past_scale: Tensor
    c: Tensor
    c_mean: Tensor
    c_scale: Tensor


class LayerNormLSTM(LayerNormCell[Record]):
    """An LSTM that normalises what comes from the input, what comes from the past, and the cell state.

    Parameters: those of `LayerNormCell`, gain_c (hidden,) and with `bias` bias_c (hidden,).

    Args:
        input_size: features of x.
        hidden_size: features of h and c.
        bias: whether b_ih and b_c exist.
    """

    state_names = ("h", "c")
    gates = 4

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size, bias)
        self.gain_c = nn.Parameter(torch.ones(hidden_size))
        self.bias_c = self.shift(hidden_size)

    def project(self, x: Tensor) -> Tensor:
        """LN(W_ih x; γ_ih) + b_ih: (..., input_size) → (..., 4 hidden)."""
        return normalize(F.linear(x, self.weight_ih), self.gain_ih, self.bias_ih)[0]

    def advance(self, projected: Tensor, state: State) -> tuple[State, Record]:
        """State (h, c)."""
        h, c = state
        from_past, past = normalize(F.linear(h, self.weight_hh), self.gain_hh)
        i, f, g, o = (projected + from_past).chunk(4, dim=-1)
        i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
        c = torch.addcmul(f * c, i, g)
        normal, kept = normalize(c, self.gain_c, self.bias_c)
        tanh_c = torch.tanh(normal)
        h = o * tanh_c
        return (h, c), Record(i, f, g, o, tanh_c, *past, *kept)

    def slopes(self, kept: Record, before: State) -> tuple[Tensor, ...]:
        """Those of an LSTM, and the records of both normalisations."""
        return *lstm_slopes(*kept[:5], before[1]), *kept[5:]

    def retreat(self, slopes: tuple[Tensor, ...], dstate: State) -> tuple[Tensor, State, State]:
        """Back through one step; `weight_gradients` sees the gradients of W_hh h and of LN(c; γ_c)."""
        by_normal, by_arguments, carried, *records = slopes
        dh, dc = dstate
        dnormal = dh * by_normal
        dc = dc + normalization_gradient(dnormal, Normalized(*records[3:]), self.gain_c)
        da = torch.cat([dc, dc, dc, dh], dim=-1) * by_arguments
        dpast = normalization_gradient(da, Normalized(*records[:3]), self.gain_hh)
        return da, (dpast @ self.weight_hh, dc * carried), (dpast, dnormal)

    def weight_gradients(self, trace: Trace[Record]) -> dict[str, Tensor]:
        """W_hh, γ_hh, γ_c and b_c."""
        dpast, dnormal = trace.seen
        past, c = Normalized(*trace.kept[5:8]), Normalized(*trace.kept[8:])
        return {
            "weight_hh": outer_product(dpast, trace.before[0]),
            "gain_hh": over_rows(trace.dprojected * past.standard),
            "gain_c": over_rows(dnormal * c.standard),
            "bias_c": over_rows(dnormal),
        }

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.lstm_step, self.numpy_parameters())
