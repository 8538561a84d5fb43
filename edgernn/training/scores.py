"""Scores of a forecast."""

from __future__ import annotations

from torch import Tensor

from edgernn.errors import InputError


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
    """RMSE and MAE in the unit of the series, and MASE, which has none (1 is the naive forecast's).

    Args:
        forecast, actual: (origins, horizon × targets).
        scale: (targets,), from `mase_scale`.
    """
    from torchmetrics.functional.regression import mean_absolute_error, mean_squared_error

    scaled_forecast, scaled_actual = (
        (values.reshape(-1, len(scale)) / scale).flatten() for values in (forecast, actual)
    )
    return {
        "rmse": float(mean_squared_error(forecast.flatten(), actual.flatten(), squared=False)),
        "mae": float(mean_absolute_error(forecast.flatten(), actual.flatten())),
        "mase": float(mean_absolute_error(scaled_forecast, scaled_actual)),
    }
