"""Layer-normalised GRU, Ba et al. (2016), "Layer normalization", supplement, equations 27 to 29.

z, r = σ(LN(W_ih x_t; γ_ih) + b_ih + LN(W_hh h_{t-1}; γ_hh))         (rows of z and r, normalised together)
n = tanh(LN(W_ih x_t; γ_ih) + b_ih + r ⊙ (LN(W_hh h_{t-1}; γ_hh) + b_hn))         (rows of n)
h_t = (1 - z) ⊙ h_{t-1} + z ⊙ n
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from edgernn.cells.backpropagated import over_rows
from edgernn.cells.base import ReferenceStep, State
from edgernn.cells.normalization import LayerNormCell, NormalizedPast, normalize
from edgernn.cells.operator import OnnxOperator
from edgernn.cells.steps import Parts, Steps
from edgernn.reference import layer_norm as reference


class LayerNormGRUSteps(Steps):
    """A run of a `LayerNormGRU`; σ(v) = tanh(v/2) / 2 + 1/2 of arguments that are halved beforehand."""

    def prepare(self) -> Parts:
        """The arguments as far as they are known, in whose place come z, r and n; and what r is for."""
        cell, arrays, size = self.cell, self.arrays, self.cell.hidden_size
        self.past = NormalizedPast(arrays, cell.weight_hh, self.time, self.batch, (2 * size, size))
        half = arrays.row((0.5, 2 * size), (1.0, size))
        self.half = half[: 2 * size]
        self.gain = arrays.of(cell.gain_hh) * half
        self.bias_hn = arrays.row((0.0, size)) if cell.bias_hn is None else arrays.of(cell.bias_hn)
        self.gates = self.projected * half
        self.z, self.r, self.n = (self.gates[..., k * size : (k + 1) * size] for k in range(3))
        self.candidate = arrays.empty(self.time, self.batch, size)
        self.small = arrays.empty(self.batch, size)
        self.scratch = arrays.empty(self.batch, 3 * size)
        self.from_past, self.from_past_n = self.scratch[:, : 2 * size], self.scratch[:, 2 * size :]
        gates = self.gates[..., : 2 * size]
        return gates, self.z, self.r, self.n, self.candidate, self.past.standard, self.past.scale

    def advance(self, kept: Parts, before: Parts, after: Parts) -> None:
        """The equations above."""
        gates, z, r, n, candidate, past, scale = kept
        (h,), (new_h,), ops = before, after, self.ops
        self.past.of(h, past, scale)
        ops.multiply(past, self.gain, out=self.scratch)
        ops.add(gates, self.from_past, out=gates)
        ops.tanh(gates, out=gates)
        ops.multiply(gates, self.half, out=gates)
        ops.add(gates, self.half, out=gates)
        ops.add(self.from_past_n, self.bias_hn, out=candidate)
        ops.multiply(r, candidate, out=self.small)
        ops.add(n, self.small, out=n)
        ops.tanh(n, out=n)
        ops.subtract(n, h, out=self.small)
        ops.multiply(self.small, z, out=self.small)
        ops.add(h, self.small, out=new_h)

    def begin_return(self) -> Parts:
        """h's slopes by LN(W_hh h) / γ and by the h before; records of the normalisation; h's gradient."""
        self.gain_hh = self.arrays.of(self.cell.gain_hh)
        self.carried, self.dh = (self.arrays.empty(*self.z.shape) for _ in range(2))
        self.by_arguments = self.arrays.empty(*self.gates.shape)
        gradient = self.past.begin_return()
        by_gate = gradient.reshape(self.time, self.batch, 3, -1)
        return by_gate, self.carried, self.dh, gradient, self.past.standard, self.past.scale

    def slopes(self, part: slice) -> None:
        """By the arguments of z, r and n, and by what the past gives to them."""
        z, r, n, by_arguments = self.z[part], self.r[part], self.n[part], self.by_arguments[part]
        size = z.shape[-1]
        by_z, by_r, by_n = (by_arguments[..., k * size : (k + 1) * size] for k in range(3))
        by_z[...] = (n - self.before[0][part]) * (z - z * z)
        by_n[...] = z - z * n * n
        by_r[...] = by_n * self.candidate[part] * (r - r * r)
        by_past = self.past.gradient[part]
        self.ops.multiply(by_arguments, self.gain_hh, out=by_past)
        by_past[..., 2 * size :] *= r
        self.ops.subtract(1.0, z, out=self.carried[part])

    def retreat(self, slopes: Parts, dstate: Parts) -> None:
        """Back through one step."""
        by_gate, carried, kept_dh, gradient, standard, scale = slopes
        (dh,) = dstate
        kept_dh[...] = dh
        self.ops.multiply(by_gate, dh[:, None], out=by_gate)
        self.past.back(gradient, standard, scale, dh)
        self.ops.multiply(kept_dh, carried, out=self.small)
        self.ops.add(dh, self.small, out=dh)

    def weight_gradients(self) -> tuple[Tensor, dict[str, Tensor]]:
        """W_hh, γ_hh and b_hn."""
        dprojected, dh, r, standard = (
            self.arrays.tensor(array) for array in (self.by_arguments, self.dh, self.r, self.past.standard)
        )
        dprojected.unflatten(-1, (3, -1)).mul_(dh.unsqueeze(2))
        d_gates, d_n = dprojected.tensor_split([2 * dh.shape[-1]], dim=-1)
        dcandidate = d_n * r
        gates, candidate = standard.tensor_split([2 * dh.shape[-1]], dim=-1)
        return dprojected, {
            "weight_hh": self.past.weight_gradient(self.before[0]),
            "gain_hh": torch.cat([over_rows(d_gates * gates), over_rows(dcandidate * candidate)]),
            "bias_hn": over_rows(dcandidate),
        }


class LayerNormGRU(LayerNormCell):
    """A GRU (reset after) that normalises what comes from the input and what comes from the past.

    Parameters: those of `LayerNormCell`, rows in the order z, r, n; and with `bias` bias_hn (hidden,).

    Args:
        input_size: features of x.
        hidden_size: features of h.
        bias: whether b_ih and b_hn exist.
    """

    gates = 3
    gate_names = ("z", "r", "n")
    steps_of_a_run = LayerNormGRUSteps

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size, bias)
        self.bias_hn = self.shift(hidden_size)

    def _parts(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Features or rows of z and r, and those of n."""
        size = 2 * self.hidden_size
        return rows[..., :size], rows[..., size:]

    def project(self, x: Tensor) -> Tensor:
        """LN(W_ih x; γ_ih) + b_ih: (..., input_size) → (..., 3 hidden)."""
        normal = self.normalized_input(x, (2 * self.hidden_size, self.hidden_size))
        return normal if self.bias_ih is None else normal + self.bias_ih

    def recur(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """State (h,)."""
        (h,) = state
        sizes = [2 * self.hidden_size, self.hidden_size]
        x_gates, x_n = projected.split(sizes, dim=-1)
        h_gates, h_n = F.linear(h, self.weight_hh).split(sizes, dim=-1)
        gain_gates, gain_n = self._parts(self.gain_hh)
        z, r = torch.sigmoid(x_gates + normalize(h_gates, gain_gates)).chunk(2, dim=-1)
        n = torch.tanh(torch.addcmul(x_n, r, normalize(h_n, gain_n, self.bias_hn)))
        h = h + z * (n - h)
        return h, (h,)

    def _kernel_operator(self) -> OnnxOperator:
        return self.operator_with("LayerNormGRU", 1 if self.bias_hn is None else self.bias_hn)

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.gru_step, self.numpy_parameters())
