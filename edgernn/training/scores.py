"""Scores of a forecast."""

from __future__ import annotations

from collections.abc import Sequence

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


def forecast_scores(
    forecast: Tensor, actual: Tensor, scale: Tensor, deviation: Tensor | None = None
) -> dict[str, float]:
    """RMSE and MAE in the unit of the series, and MASE, which has none (1 is the naive forecast's).

    Args:
        forecast, actual: (origins, horizon × targets).
        scale: (targets,), from `mase_scale`.
        deviation: (targets,), standard deviation of the training part; for `mse_z`, the mean squared error of
            values in units of it, which multivariate benchmarks report.
    """
    from torchmetrics.functional.regression import mean_absolute_error, mean_squared_error

    scaled_forecast, scaled_actual = (
        (values.reshape(-1, len(scale)) / scale).flatten() for values in (forecast, actual)
    )
    scores = {
        "rmse": float(mean_squared_error(forecast.flatten(), actual.flatten(), squared=False)),
        "mae": float(mean_absolute_error(forecast.flatten(), actual.flatten())),
        "mase": float(mean_absolute_error(scaled_forecast, scaled_actual)),
    }
    if deviation is not None:
        error = (forecast - actual).reshape(-1, len(deviation))
        scores["mse_z"] = float(
            (error / deviation.where(deviation > 0, deviation.new_ones(()))).square().mean()
        )
    return scores


def interval_scores(forecast: Tensor, actual: Tensor, quantiles: Sequence[float]) -> dict[str, float]:
    """The mean pinball loss in the unit of the series, and how often what came lay in each interval.

    The interval between the quantiles 0.1 and 0.9 is to hold 0.8 of the values: "coverage_80".

    Args:
        forecast: (…, quantiles).
        actual: (…).
        quantiles: ascending, symmetric around 0.5.
    """
    scores = {"pinball": float(pinball_loss(forecast, actual, quantiles).mean())}
    for index in range(len(quantiles) // 2):
        low, high = forecast[..., index], forecast[..., -1 - index]
        share = quantiles[-1 - index] - quantiles[index]
        scores[f"coverage_{share * 100:.4g}"] = float(((low <= actual) & (actual <= high)).float().mean())
    return scores
