"""How likely a point is by a mixture of Gaussian densities that a network gave, in torch.

`edgernn.reference.mixture_density` has the equations.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def log_density(mixture: Tensor, target: Tensor) -> Tensor:
    """Natural logarithm of the density at a point.

    Args:
        mixture: (..., components, 6): logarithm of the weight, means of x and y, their standard deviations,
            and the correlation.
        target: (..., 2).

    Returns:
        (...); finite wherever the parameters are, since the densities are joined as logarithms.
    """
    log_weight, mean_x, mean_y, wide, high, lean = mixture.unbind(-1)
    x = (target[..., :1] - mean_x) / wide
    y = (target[..., 1:] - mean_y) / high
    rest = 1.0 - lean * lean
    exponent = (x * x + y * y - 2.0 * lean * x * y) / (2.0 * rest)
    size = math.log(2.0 * math.pi) + torch.log(wide) + torch.log(high) + 0.5 * torch.log(rest)
    return torch.logsumexp(log_weight - exponent - size, dim=-1)
