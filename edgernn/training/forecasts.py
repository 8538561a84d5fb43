"""Forecasts of a network along a series, as scores take them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgernn.models import Forecaster
from edgernn.models.quantiles import pinball_loss

# Windows that go through the network together, and about how many of their time steps.
_WINDOWS, _STEPS = 256, 10_000


def forecasts_at(model: nn.Module, values: Tensor, origins: range, window: int, every: int = 1) -> Tensor:
    """The network's forecasts at consecutive origins.

    Args:
        model: (batch, time, features) → (batch, time, outputs).
        values: (time, features), the series.
        origins: the time steps at which forecasts are made, one after the other.
        window: past time steps that it sees at least.
        every: origins that share a pass over the past; the later ones of them see up to `every` − 1 more.

    Returns:
        (origins, outputs).
    """
    every = min(every, len(origins))
    extent = window + every - 1
    # The last block begins where it ends with the last origin; what it shares with the one before is cut.
    firsts = list(range(origins[0], origins[-1] - every + 2, every))
    missing = origins[-1] + 1 - (firsts[-1] + every)
    if missing:
        firsts.append(firsts[-1] + missing)
    steps = torch.tensor(firsts).unsqueeze(1) - window + 1 + torch.arange(extent)
    found = [model(values[part])[:, -every:] for part in steps.split(min(_WINDOWS, max(1, _STEPS // extent)))]
    blocks = torch.cat(found)
    if missing:
        return torch.cat([blocks[:-1].flatten(0, 1), blocks[-1, every - missing :]])
    return blocks.flatten(0, 1)


def middle(forecasts: Tensor, values: int) -> Tensor:
    """The middle quantile of forecasts (…, values × quantiles), as (…, values)."""
    by_quantile: Tensor = forecasts.unflatten(-1, (values, -1))
    return by_quantile[..., by_quantile.shape[-1] // 2]


def forecast_loss(forecaster: Forecaster, output: Tensor, target: Tensor) -> Tensor:
    """The loss in units of the usual change, so that every unit, column and step ahead counts alike.

    Mean squared error of a network that forecasts one value, the pinball loss of one with quantiles.

    Args:
        forecaster: gave the output.
        output: (…, horizon × targets × quantiles).
        target: (…, horizon × targets).
    """
    if not forecaster.quantiles:
        return ((output - target) / forecaster.change).square().mean()
    by_quantile = output.unflatten(-1, (-1, len(forecaster.quantiles)))
    of_each = pinball_loss(by_quantile, target, forecaster.quantiles)
    return (of_each / forecaster.change.unsqueeze(-1)).mean()
