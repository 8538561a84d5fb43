"""Layer-normalised GRU, Ba et al. (2016), "Layer normalization", supplement, equations 27 to 29.

z, r = σ(LN(W_ih x_t; γ_ih) + b_ih + LN(W_hh h_{t-1}; γ_hh))         (rows of z and r, normalised together)
n = tanh(LN(W_ih x_t; γ_ih) + b_ih + r ⊙ (LN(W_hh h_{t-1}; γ_hh) + b_hn))         (rows of n)
h_t = (1 - z) ⊙ h_{t-1} + z ⊙ n
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from edgernn.cells.backpropagated import Trace, outer_product, over_rows, sigmoid_slope, tanh_slope
from edgernn.cells.base import ReferenceStep, State
from edgernn.cells.normalization import LayerNormCell, Normalized, normalization_gradient, normalize
from edgernn.reference import layer_norm as reference


class Record(NamedTuple):
    """What a step leaves for its gradient: its gates, n, the n rows' past, and both parts' records."""

    z: Tensor
    r: Tensor
    n: Tensor
    past: Tensor
    gates: Tensor
    gates_mean: Tensor
    gates_scale: Tensor
    candidate: Tensor
    candidate_mean: Tensor
    candidate_scale: Tensor


class LayerNormGRU(LayerNormCell[Record]):
    """A GRU (reset after) that normalises what comes from the input and what comes from the past.

    Parameters: those of `LayerNormCell`, rows in the order z, r, n; and with `bias` bias_hn (hidden,).

    Args:
        input_size: features of x.
        hidden_size: features of h.
        bias: whether b_ih and b_hn exist.
    """

    gates = 3

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size, bias)
        self.bias_hn = self.shift(hidden_size)

    def _parts(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Features or rows of z and r, and those of n."""
        size = 2 * self.hidden_size
        return rows[..., :size], rows[..., size:]

    def project(self, x: Tensor) -> Tensor:
        """LN(W_ih x; γ_ih) + b_ih: (..., input_size) → (..., 3 hidden)."""
        parts = zip(self._parts(F.linear(x, self.weight_ih)), self._parts(self.gain_ih), strict=True)
        normal = torch.cat([normalize(part, gain)[0] for part, gain in parts], dim=-1)
        return normal if self.bias_ih is None else normal + self.bias_ih

    def advance(self, projected: Tensor, state: State) -> tuple[State, Record]:
        """State (h,)."""
        (h,) = state
        sizes = [2 * self.hidden_size, self.hidden_size]
        x_gates, x_n = projected.split(sizes, dim=-1)
        h_gates, h_n = F.linear(h, self.weight_hh).split(sizes, dim=-1)
        gain_gates, gain_n = self._parts(self.gain_hh)
        from_past, gates = normalize(h_gates, gain_gates)
        past, candidate = normalize(h_n, gain_n, self.bias_hn)
        z, r = torch.sigmoid(x_gates + from_past).chunk(2, dim=-1)
        n = torch.tanh(torch.addcmul(x_n, r, past))
        h = h + z * (n - h)
        return (h,), Record(z, r, n, past, *gates, *candidate)

    def slopes(self, kept: Record, before: State) -> tuple[Tensor, ...]:
        """h's by the arguments of z, r and n and by the h before; r; the records of both normalisations."""
        z, r, n, past, *records = kept
        by_n = z * tanh_slope(n)
        parts = (n - before[0]) * sigmoid_slope(z), by_n * past * sigmoid_slope(r), by_n
        return torch.cat(parts, dim=-1), 1 - z, r, *records

    def retreat(self, slopes: tuple[Tensor, ...], dstate: State) -> tuple[Tensor, State, State]:
        """Back through one step; `weight_gradients` sees the gradients of W_hh h and of its n rows' LN."""
        by_arguments, carried, r, *records = slopes
        (dh,) = dstate
        da = torch.cat([dh, dh, dh], dim=-1) * by_arguments
        da_gates, da_n = self._parts(da)
        gain_gates, gain_n = self._parts(self.gain_hh)
        dpast = da_n * r
        d_gates = normalization_gradient(da_gates, Normalized(*records[:3]), gain_gates)
        d_n = normalization_gradient(dpast, Normalized(*records[3:]), gain_n)
        dproduct = torch.cat([d_gates, d_n], dim=-1)
        return da, (torch.addcmul(dproduct @ self.weight_hh, dh, carried),), (dproduct, dpast)

    def weight_gradients(self, trace: Trace[Record]) -> dict[str, Tensor]:
        """W_hh, γ_hh and b_hn."""
        dproduct, dpast = trace.seen
        da_gates, _ = self._parts(trace.dprojected)
        gates, candidate = Normalized(*trace.kept[4:7]), Normalized(*trace.kept[7:])
        gains = over_rows(da_gates * gates.standard), over_rows(dpast * candidate.standard)
        return {
            "weight_hh": outer_product(dproduct, trace.before[0]),
            "gain_hh": torch.cat(gains),
            "bias_hn": over_rows(dpast),
        }

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.gru_step, self.numpy_parameters())
