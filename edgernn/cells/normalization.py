"""Layer normalisation (Ba et al., 2016) within a step, the way back through it, and the cells made of it.

LN(v; γ) = γ ⊙ (v − mean(v)) / √(var(v) + ε), mean and variance over the features of each row.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from edgernn.cells.arrays import Array, Arrays
from edgernn.cells.backpropagated import BackpropagatedCell
from edgernn.cells.operator import OnnxOperator, own_operator, stack_blocks
from edgernn.cells.products import linear, outer_product

EPSILON = 1e-5
PAST_GAIN = 0.1


def normalize(v: Tensor, gain: Tensor, shift: Tensor | None = None, centred: bool = False) -> Tensor:
    """LN(v; gain) + shift over the last dimension.

    The mean is taken off beforehand (unless v comes `centred`), which changes nothing but the rounding: torch
    and onnxruntime subtract a mean from sums over the whole row, and where a row strays little from its mean
    not much is left of them (measured for 8 features of 5 ± 0.03: off by 2e-5 without, by 3e-7 with it).
    """
    if not centred:
        v = v - v.mean(-1, keepdim=True)
    return torch.native_layer_norm(v, (v.shape[-1],), gain, shift, EPSILON)[0]


class Deviation:
    """Division of rows by their deviation, and back, for rows whose mean is zero; in place.

    Args:
        arrays: in what to compute.
        batch: rows.
        sizes: the features of each group that is divided by a deviation of its own.
    """

    def __init__(self, arrays: Arrays, batch: int, sizes: tuple[int, ...]) -> None:
        self.ops, self.groups = arrays.ops, len(sizes)
        # (features, groups) and back. numpy's own sum over a few rows costs twice what this product does.
        columns = [arrays.tensor(arrays.row((1 / size, size))).unsqueeze(1) for size in sizes]
        mean = torch.block_diag(*columns)
        expansion = (mean > 0).to(mean.dtype).T.contiguous()
        self.mean, self.expansion = (arrays.product(arrays.of(each), batch) for each in (mean, expansion))
        self.products, self.wide = (arrays.empty(batch, sum(sizes)) for _ in range(2))
        self.means = arrays.empty(batch, self.groups)
        self.epsilon = arrays.row((EPSILON, 1))

    def expand(self, values: Array) -> Array:
        """(B, groups) → what broadcasts to (B, features)."""
        if self.groups == 1:
            return values
        self.expansion(values, self.wide)
        return self.wide

    def divide(self, v: Array, scale: Array) -> None:
        """v (B, features) → v / deviation, and 1 / deviation into scale (B, groups)."""
        ops = self.ops
        ops.multiply(v, v, out=self.products)
        self.mean(self.products, scale)
        ops.add(scale, self.epsilon, out=scale)
        ops.sqrt(scale, out=scale)
        ops.reciprocal(scale, out=scale)
        ops.multiply(v, self.expand(scale), out=v)

    def back(self, gradient: Array, standard: Array, scale: Array) -> None:
        """The gradient of v / deviation → that of v, but for its mean.

        It is (g − s mean(g ⊙ s)) / deviation with s = v / deviation. The mean that `normalize`'s has to lose
        besides is lost where v's own mean is taken off.
        """
        ops = self.ops
        ops.multiply(gradient, standard, out=self.products)
        self.mean(self.products, self.means)
        ops.multiply(standard, self.expand(self.means), out=self.products)
        ops.subtract(gradient, self.products, out=gradient)
        ops.multiply(gradient, self.expand(scale), out=gradient)


class NormalizedPast:
    """LN(W_hh h) / γ of a run, and back.

    The mean is taken off the rows of W_hh, once for all steps.

    Attributes:
        standard: (T, B, rows).
        scale: (T, B, groups), 1 / deviation.
        gradient: (T, B, rows), that of `standard` on the way back, in whose place comes that of W_hh h.
    """

    def __init__(self, arrays: Arrays, weight: Tensor, time: int, batch: int, sizes: tuple[int, ...]) -> None:
        self.arrays, self.sizes = arrays, sizes
        centred = without_means(weight.detach(), sizes)
        both = centred.T.contiguous(), centred
        self.from_past, self.to_past = (arrays.product(arrays.of(each), batch) for each in both)
        self.deviation = Deviation(arrays, batch, sizes)
        self.standard = arrays.empty(time, batch, len(weight))
        self.scale = arrays.empty(time, batch, len(sizes))

    def of(self, h: Array, standard: Array, scale: Array) -> None:
        """One step, into its parts of `standard` and `scale`."""
        self.from_past(h, standard)
        self.deviation.divide(standard, scale)

    def begin_return(self) -> Array:
        """Make `gradient`."""
        self.gradient = self.arrays.empty(*self.standard.shape)
        return self.gradient

    def back(self, gradient: Array, standard: Array, scale: Array, dh: Array) -> None:
        """One step back, from its part of `gradient` to h."""
        self.deviation.back(gradient, standard, scale)
        self.to_past(gradient, dh)

    def weight_gradient(self, h: Array) -> Tensor:
        """That of W_hh, after all steps; h (T, B, hidden)."""
        gradient = outer_product(self.arrays.tensor(self.gradient), self.arrays.tensor(h))
        return without_means(gradient, self.sizes)


def without_means(matrix: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Each group of rows without its mean: what such a matrix gives has the mean zero."""
    return torch.cat([rows - rows.mean(0) for rows in matrix.split(sizes)])


class LayerNormCell(BackpropagatedCell):
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

    def normalized_input(self, x: Tensor, sizes: tuple[int, ...], shift: Tensor | None = None) -> Tensor:
        """LN(W_ih x; γ_ih) + shift, each group of rows by itself."""
        # While training, the mean is taken off the matrix, which is smaller than what it gives.
        early = torch.is_grad_enabled() and not torch.compiler.is_compiling()
        weight = without_means(self.weight_ih, sizes) if early else self.weight_ih
        parts = zip(linear(x, weight).split(sizes, dim=-1), self.gain_ih.split(sizes), strict=True)
        normal = [normalize(part, gain, shift, centred=early) for part, gain in parts]
        return normal[0] if len(normal) == 1 else torch.cat(normal, dim=-1)

    def shift(self, size: int) -> nn.Parameter | None:
        """A bias, or None for a cell without."""
        return nn.Parameter(torch.zeros(size)) if self.bias else None

    def operator_with(self, op_type: str, *rest: Tensor | int) -> OnnxOperator:
        """The operator of edgernn's kernels; `rest` is what P holds behind the gates' gains and bias."""
        bias = self.gates if self.bias_ih is None else self.bias_ih
        vectors = stack_blocks(self.hidden_size, self.gain_ih, self.gain_hh, bias, *rest)
        return own_operator(op_type, self.weight_ih, R=self.weight_hh, P=vectors)
