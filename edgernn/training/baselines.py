"""Forecasts without learning: what a network must beat.

`series` is (time, targets); `origins` are the time steps at which a forecast is made. A forecast is
(origins, horizon × targets), laid out as the output of `edgernn.models.Forecaster`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from edgernn.errors import InputError


def actual_values(series: Tensor, origins: range, horizon: int) -> Tensor:
    """What came: the values of the next `horizon` steps after each origin."""
    return _gather(series, [[origin + step for step in range(1, horizon + 1)] for origin in origins])


def persistence(series: Tensor, origins: range, horizon: int) -> Tensor:
    """Everything stays as it is: the value at the origin, for every future step."""
    return _gather(series, [[origin] * horizon for origin in origins])


def seasonal_naive(series: Tensor, origins: range, horizon: int, season: int) -> Tensor:
    """As one season ago: the latest known value of the same phase, for every future step.

    Raises:
        InputError: where an origin has less than one season before it.
    """
    if season < 1 or origins[0] + 1 < season:
        raise InputError(
            f"season: must be from 1 to the {origins[0] + 1} time steps before the first forecast, "
            f"found {season}."
        )
    seasons_back = [-(-step // season) for step in range(1, horizon + 1)]
    return _gather(
        series,
        [
            [origin + step - back * season for step, back in enumerate(seasons_back, start=1)]
            for origin in origins
        ],
    )


def _gather(series: Tensor, steps: list[list[int]]) -> Tensor:
    return series[torch.tensor(steps)].flatten(1)
