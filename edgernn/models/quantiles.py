"""Quantiles of a forecast that never cross."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from edgernn.errors import InputError

# Of two probabilities that add up to one.
_ROUNDING = 1e-6


def check_quantiles(owner: str, quantiles: Sequence[float]) -> tuple[float, ...]:
    """The quantiles as a tuple; raises InputError unless they ascend and lie symmetric around 0.5."""
    found = tuple(quantiles)
    inside = all(0 < value < 1 for value in found) and list(found) == sorted(set(found))
    symmetric = all(abs(low + high - 1) < _ROUNDING for low, high in zip(found, reversed(found), strict=True))
    if found and not (inside and symmetric and len(found) % 2):
        raise InputError(
            f"{owner}: quantiles must ascend between 0 and 1, symmetric around 0.5, which is one of them, as "
            f"0.1, 0.5, 0.9; found {', '.join(map(str, found))}."
        )
    return found


def spread_out(values: Tensor) -> Tensor:
    """The middle one of the last dimension as it is, the others by positive distances from their neighbours.

    Args:
        values: (…, quantiles), an odd number of them.

    Returns:
        (…, quantiles), ascending.
    """
    count = values.shape[-1]
    middle = count // 2
    if not middle:
        return values
    distances = F.softplus(values)
    # Each quantile above the middle is the sum of the distances up to it; below it, of those down to it.
    ones = values.new_ones(middle, middle)
    above = F.linear(distances[..., middle + 1 :], ones.tril())
    below = F.linear(distances[..., :middle], ones.triu())
    centre = values[..., middle : middle + 1]
    return torch.cat([centre - below, centre, centre + above], -1)


def pinball_loss(forecast: Tensor, actual: Tensor, quantiles: Sequence[float]) -> Tensor:
    """The loss that the quantiles of what comes are the least of (Koenker & Bassett 1978), each element.

    Args:
        forecast: (…, quantiles).
        actual: (…).
        quantiles: their probabilities.
    """
    error = actual.unsqueeze(-1) - forecast
    probability = torch.tensor(list(quantiles), dtype=error.dtype, device=error.device)
    return torch.maximum(probability * error, (probability - 1) * error)
