"""Layer normalisation (Ba et al., 2016) within a step, the way back through it, and the cells made of it.

LN(v; γ) = γ ⊙ (v − mean(v)) / √(var(v) + ε), mean and variance over the features of each row.
"""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from edgernn.cells.backpropagated import BackpropagatedCell, Kept

EPSILON = 1e-5
PAST_GAIN = 0.1


class Normalized(NamedTuple):
    """What the gradient of a normalisation needs: v − mean (batch, n), the mean of that and 1/deviation."""

    v: Tensor
    mean: Tensor
    scale: Tensor

    @property
    def standard(self) -> Tensor:
        """(v − mean) / deviation: what γ is multiplied with, and so what its gradient is weighted with."""
        return (self.v - self.mean) * self.scale


def normalize(v: Tensor, gain: Tensor, shift: Tensor | None = None) -> tuple[Tensor, Normalized]:
    """LN(v; gain) + shift over the last dimension, and its record.

    The mean is taken off beforehand, which changes nothing but the rounding: torch and onnxruntime subtract a
    mean from sums over the whole row, and where a row strays little from its mean not much is left of them
    (measured for 8 features of 5 ± 0.03: off by 2e-5 without, by 3e-7 with it).
    """
    v = v - v.mean(-1, keepdim=True)
    y, mean, scale = torch.native_layer_norm(v, (v.shape[-1],), gain, shift, EPSILON)
    return y, Normalized(v, mean, scale)


def normalization_gradient(gradient: Tensor, kept: Normalized, gain: Tensor) -> Tensor:
    """Back through `normalize`, to v."""
    v, mean, scale = kept
    back: Tensor = torch.ops.aten.native_layer_norm_backward.default(
        gradient, v, (v.shape[-1],), mean, scale, gain, None, (True, False, False)
    )[0]
    return back


class LayerNormCell(BackpropagatedCell[Kept]):
    """What the layer-normalised cells share: `gates` stacked matrices, a gain for each of their rows.

    Parameters: weight_ih (gates × hidden, input), weight_hh (gates × hidden, hidden), gain_ih and gain_hh
    (gates × hidden,), and with `bias` bias_ih (gates × hidden,). Matrices are drawn uniform in ±1/√hidden,
    biases are 0 at first, gains of the input 1 and of the past 0.1, as Cooijmans et al. (2017), "Recurrent
    batch normalization", section 4, found best: with 1 a new LSTM is chaotic. Two of its states that differ
    by 1e-7 are 1e-3 apart after some dozen steps, and float32 goes another way than float64.
    """

    gates: ClassVar[int] = 1

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size)
        self.bias = bias
        rows = self.gates * hidden_size
        bound = 1.0 / math.sqrt(hidden_size)
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size).uniform_(-bound, bound))
        self.weight_hh = nn.Parameter(torch.empty(rows, hidden_size).uniform_(-bound, bound))
        self.gain_ih = nn.Parameter(torch.ones(rows))
        self.gain_hh = nn.Parameter(torch.full((rows,), PAST_GAIN))
        self.bias_ih = self.shift(rows)

    def shift(self, size: int) -> nn.Parameter | None:
        """A bias, or None for a cell without."""
        return nn.Parameter(torch.zeros(size)) if self.bias else None
