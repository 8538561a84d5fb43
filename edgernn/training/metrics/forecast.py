"""Scores of a forecast: of its values, and of the intervals that are to hold them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from edgernn.errors import InputError
from edgernn.models.quantiles import pinball_loss


def mase_scale(series: Tensor, season: int | None) -> Tensor:
    """What MASE divides by: the seasonal naive forecast's mean absolute error within the training part.

    Hyndman & Koehler (2006), "Another look at measures of forecast accuracy".

    Args:
        series: (time, targets), the training part.
        season: time steps a season has; None: the forecast one step before.

    Returns:
        (targets,), 1 in place of 0.

    Raises:
        InputError: where the training part is no longer than a season.
    """
    lag = season or 1
    if len(series) <= lag:
        raise InputError(
            f"season: must be less than the {len(series)} time steps of the training part, found {lag}."
        )
    scale = (series[lag:] - series[:-lag]).abs().mean(0)
    return scale.where(scale > 0, scale.new_ones(()))


def forecast_scores(forecast: Tensor, actual: Tensor, scale: Tensor) -> dict[str, float]:
    """RMSE and MAE in the unit of the series, MASE, which has none, and sMAPE in percent.

    MASE is 1 for a forecast as good as the naive one is in the training part. sMAPE is the mean of
    200 |f − a| ÷ (|f| + |a|), from 0 to 200 (Makridakis 1993), and 0 where both are 0; it means little for
    series that cross zero.

    Args:
        forecast, actual: (origins, horizon × targets).
        scale: (targets,), from `mase_scale`.

    Raises:
        InputError: where the shapes differ or there is no forecast.
    """
    from torchmetrics.functional.regression import (
        mean_absolute_error,
        mean_squared_error,
        symmetric_mean_absolute_percentage_error,
    )

    _check(forecast, actual, "forecast")
    scaled_forecast, scaled_actual = (
        (values.reshape(-1, len(scale)) / scale).flatten() for values in (forecast, actual)
    )
    said, came = forecast.flatten(), actual.flatten()
    # In units of the largest value: torchmetrics takes what is below 1e-6 for 0.
    largest = torch.maximum(said.abs().max(), came.abs().max())
    unit = largest if largest > 0 else largest.new_ones(())
    smape = symmetric_mean_absolute_percentage_error(said / unit, came / unit)
    return {
        "rmse": float(mean_squared_error(said, came, squared=False)),
        "mae": float(mean_absolute_error(said, came)),
        "mase": float(mean_absolute_error(scaled_forecast, scaled_actual)),
        "smape": 100 * float(smape),
    }


def standardised_error(forecast: Tensor, actual: Tensor, deviation: Tensor) -> float:
    """Mean squared error in units of each target's standard deviation, as multivariate benchmarks report it.

    Args:
        forecast, actual: (origins, horizon × targets).
        deviation: (targets,), of the training part.
    """
    _check(forecast, actual, "forecast")
    error = (forecast - actual).reshape(-1, len(deviation))
    return float((error / deviation.where(deviation > 0, deviation.new_ones(()))).square().mean())


def pinball(forecast: Tensor, actual: Tensor, quantiles: Sequence[float]) -> float:
    """The mean pinball loss of quantiles, in the unit of the series.

    Args:
        forecast: (…, quantiles).
        actual: (…).
        quantiles: their probabilities.
    """
    _check(forecast[..., 0], actual, "forecast")
    return float(pinball_loss(forecast, actual, quantiles).mean())


def interval_scores(lower: Tensor, upper: Tensor, actual: Tensor, level: float) -> dict[str, float]:
    """How well intervals hold what comes.

    Args:
        lower, upper: the intervals' ends, of one shape.
        actual: what came, of that shape.
        level: the share of values that the intervals are to hold, e.g. 0.8.

    Returns:
        `coverage`, the share of values in their intervals, ends included, which is to be `level`; `width`,
        the mean width; and `interval_score`, the width plus 2 ÷ (1 − level) times what a value lies outside
        (Winkler 1972; Gneiting & Raftery 2007), of which less is better. The last two are in the unit of the
        series. An interval whose ends are in the wrong order holds nothing.

    Raises:
        InputError: where the shapes differ, there is no value, or the level is not between 0 and 1.
    """
    _check(lower, actual, "lower")
    _check(upper, actual, "upper")
    if not 0 < level < 1:
        raise InputError(f"level: must be above 0 and below 1, e.g. 0.8, found {level!r}.")
    outside = (lower - actual).clamp(min=0) + (actual - upper).clamp(min=0)
    width = upper - lower
    return {
        "coverage": float(((lower <= actual) & (actual <= upper)).float().mean()),
        "width": float(width.mean()),
        "interval_score": float((width + 2 / (1 - level) * outside).mean()),
    }


def _check(found: Tensor, actual: Tensor, name: str) -> None:
    if found.shape != actual.shape or not actual.numel():
        raise InputError(
            f"{name}: must have the shape of what came, with at least one value; found "
            f"{tuple(found.shape)} and {tuple(actual.shape)}."
        )
