"""Layer normalisation (Ba et al., 2016) of one vector of a step, and the way back through it.

LN(v) = γ ⊙ (v − mean(v)) / √(var(v) + ε), mean and variance over the features of each row.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

EPSILON = 1e-5


class Normalized(NamedTuple):
    """A normalised vector (batch, n), and for its gradient: v, each row's mean and 1/deviation."""

    y: Tensor
    v: Tensor
    mean: Tensor
    scale: Tensor


def normalize(v: Tensor, gain: Tensor, shift: Tensor | None = None) -> Normalized:
    """γ ⊙ (v − mean) / √(var + ε) + shift over the last dimension."""
    y, mean, scale = torch.native_layer_norm(v, (v.shape[-1],), gain, shift, EPSILON)
    return Normalized(y, v, mean, scale)


def normalization_gradient(gradient: Tensor, kept: Normalized, gain: Tensor) -> Tensor:
    """Back through `normalize`, to v."""
    back: Tensor = torch.ops.aten.native_layer_norm_backward.default(
        gradient, kept.v, (kept.v.shape[-1],), kept.mean, kept.scale, gain, None, (True, False, False)
    )[0]
    return back


def standardized(steps: list[Normalized]) -> Tensor:
    """(v − mean) / deviation of all steps, (time, batch, n): what the gradient of γ is weighted with."""
    _, v, mean, scale = (torch.stack(part) for part in zip(*steps, strict=True))
    return (v - mean) * scale
