"""Forecast the next values of a time series from its past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from edgernn.errors import InputError
from edgernn.models import Forecaster
from edgernn.models.quantiles import check_quantiles
from edgernn.training.augmentation import NoisyInputs
from edgernn.training.baselines import actual_values, persistence, seasonal_naive
from edgernn.training.csv_series import read_csv
from edgernn.training.forecasts import forecast_loss, forecasts_at, middle
from edgernn.training.known_future import CYCLES, calendar, cycle_lengths, early
from edgernn.training.metrics.forecast import (
    forecast_scores,
    interval_scores,
    mase_scale,
    pinball,
    standardised_error,
)
from edgernn.training.options import TrainingOptions, option
from edgernn.training.pictures import draw_forecasts
from edgernn.training.recipe import Metadata, Prepared, Recipe
from edgernn.training.series import BUNDLED, Series, relative_changes
from edgernn.training.windows import Split, Windows, in_blocks, split_in_time

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torchmetrics import Metric

# Forecasts in a picture.
_DRAWN = 120

FILE_OPTIONS = (
    "column", "inputs", "future", "calendar", "returns", "time_column", "missing", "season", "unit", "rows",
    "encoding",
)  # fmt: skip


@dataclass(frozen=True)
class Options(TrainingOptions):
    """Options of the forecast recipe."""

    column: tuple[str, ...] = option((), "Columns of the CSV file to forecast.")
    inputs: tuple[str, ...] = option((), "Further columns that the forecast may use.")
    future: tuple[str, ...] = option((), "Further columns that are known ahead, such as holidays.")
    calendar: tuple[str, ...] = option(
        (), f"What the forecast may know of a future step's time: {', '.join(CYCLES)}."
    )
    returns: bool = option(False, "Whether to forecast relative changes from row to row, as of share prices.")
    time_column: str = option("", "Column with dates or times; checks that they ascend at one interval.")
    missing: Literal["refuse", "interpolate"] = option("refuse", "What to do where values are missing.")
    season: int | None = option(None, "Time steps a season has, for the seasonal naive forecast.", minimum=1)
    unit: str = option("", "Unit of the values, for reports and the exported file.")
    encoding: str = option("utf-8", "Encoding of the file.")
    bundled: Literal["el-nino", "co2", "sunspots"] = option(
        "el-nino", "Without a file: which of the series that come with statsmodels."
    )
    rows: int | None = option(None, "How many rows of the CSV file to read; none reads all.", minimum=1)
    window: int = option(36, "Past time steps that one training sample has.", minimum=1)
    warm_up: float = option(
        0.667, "Share of a training window that only fills the state.", minimum=0, below=1
    )
    horizon: int = option(1, "Future time steps that are forecast at once.", minimum=1)
    quantiles: tuple[float, ...] = option(
        (), "Quantiles to forecast, symmetric around 0.5, e.g. 0.1,0.5,0.9; none: one value."
    )
    start: Literal["auto", "last", "season", "mean"] = option(
        "auto", "What the network adds a change to; auto: the last value, of returns the mean."
    )
    lags: int = option(0, "Past values of a linear forecast beside the recurrent one.", minimum=0)
    every: int = option(
        1, "Time steps from one training window to the next; as many are scored at once.", minimum=1
    )
    validation_size: float = option(
        0.1, "Part before the test part; below 1 a share, else time steps.", above=0
    )
    test_size: float = option(0.2, "Part held out at the end; below 1 a share, else time steps.", above=0)
    cell: str = option("lstm", "Recurrent cell: lstm, gru, rnn, or another of edgernn.cells.")
    hidden_size: int = option(50, "Size of a recurrent layer.", minimum=1)
    num_layers: int = option(1, "Recurrent layers on top of each other.", minimum=1)
    dropout: float = option(0.0, "Dropout between recurrent layers.", minimum=0, below=1)
    noise: float = option(
        0.0, "Noise that training adds to the inputs, in their standard deviations.", minimum=0
    )
    # A network this small gains nothing from a second thread, and loses much where the cores are busy.
    threads: int | None = option(1, "CPU threads that training uses; none: torch's choice.", minimum=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.inputs and not self.column:
            raise InputError("option inputs: name the columns to forecast as well, in option column.")
        if self.future and not self.column:
            raise InputError("option future: name the columns to forecast as well, in option column.")
        names = self.column + self.inputs + self.future
        if len(set(names)) < len(names):
            raise InputError(
                f"options column, inputs and future: each column once, found {', '.join(names)}."
            )
        cycle_lengths(self.calendar)
        check_quantiles("option quantiles", self.quantiles)


@dataclass(frozen=True)
class ForecastData(Prepared):
    """The data sets, and what scoring needs of the series they are cut from.

    Attributes:
        values: (time, features) float32, the columns to forecast first.
        split: where it is cut.
        season: time steps a season has; None where unknown.
        returns: whether they are relative changes.
        window: past time steps that a forecast is made from.
        every: forecasts that are scored at once.
        horizon: time steps that are forecast at once.
        targets: how many columns are forecast.
        mase_scale: (targets,), what MASE divides by.
    """

    values: Tensor
    split: Split
    season: int | None
    returns: bool
    window: int
    every: int
    horizon: int
    targets: int
    mase_scale: Tensor


class Forecast(Recipe[Options, ForecastData]):
    """The next `horizon` values of one or several columns, from the values until now."""

    summary = "Forecast a time series from its past: your CSV file, or sea surface temperatures."
    options_type = Options

    def prepare(self, options: Options, data: Path | None) -> ForecastData:
        """Read the series, cut it in time order and lay windows over the parts."""
        series = read_series(options, data)
        window, horizon = options.window, options.horizon
        targets = len(series.columns) - len(options.inputs) - len(options.future)
        values, columns = with_known_future(series, options)
        split = split_in_time(
            len(values),
            validation_size=options.validation_size,
            test_size=options.test_size,
            window=window,
            horizon=horizon,
        )
        test = Windows(values, split.test_origins(horizon), window, horizon, targets)
        train: Dataset = Windows(
            values,
            split.train_origins(window, horizon)[:: options.every],
            window,
            horizon,
            targets,
            scored_steps=max(1, round(window * (1 - options.warm_up))),
        )
        if options.noise:
            train = NoisyInputs(train, options.noise, values[: split.train_end].std(0, correction=0))
        return ForecastData(
            train=train,
            validation=in_blocks(
                values, split.validation_origins(horizon), window, horizon, targets, every=options.every
            ),
            test=test,
            arguments=_arguments(options, series, columns, targets),
            metadata=Metadata(
                task="forecast",
                input_unit=series.unit,
                output_unit=series.unit,
                sample_rate=series.sample_rate,
                features=columns,
                outputs=tuple(
                    f"{name} +{step}{quantile}"
                    for step in range(1, horizon + 1)
                    for name in columns[:targets]
                    for quantile in ([f" q{value:g}" for value in options.quantiles] or [""])
                ),
            ),
            source=series.source,
            fingerprint=series.fingerprint,
            example=test[[0, len(test) - 1]][:1],
            values=values,
            split=split,
            season=series.season,
            returns=options.returns,
            window=window,
            every=options.every,
            horizon=horizon,
            targets=targets,
            mase_scale=mase_scale(values[: split.train_end, :targets], series.season),
        )

    def build(self, arguments: dict[str, Any]) -> Forecaster:
        """The network: recurrent layers and a linear head."""
        return Forecaster(**arguments)

    def initialise(self, model: nn.Module, prepared: ForecastData) -> None:
        """Set the normalisation, from the training part alone."""
        assert isinstance(model, Forecaster)
        model.fit_normalization(prepared.values[: prepared.split.train_end])

    def predict(self, model: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        """The forecasts of the time steps that have targets: the window's last ones."""
        inputs, target = batch
        return model(inputs)[:, -target.shape[1] :].contiguous(), target

    def loss(self, model: nn.Module, output: Tensor, target: Tensor) -> Tensor:
        """Mean squared error or, of quantiles, the pinball loss, in units of the usual change."""
        assert isinstance(model, Forecaster)
        return forecast_loss(model, output, target)

    def metrics(self) -> dict[str, Metric]:
        """RMSE in the unit of the series."""
        from torchmetrics import MeanSquaredError

        class MiddleError(MeanSquaredError):
            """Of the middle quantile, where there are several."""

            def update(self, output: Tensor, target: Tensor) -> None:
                super().update(middle(output, target.shape[-1]), target)

        return {"rmse": MiddleError(squared=False)}

    def picture(self, model: nn.Module, prepared: ForecastData) -> Figure:
        """The end of the validation part, and the forecast of each value one step before."""
        device = next(model.parameters()).device
        part = prepared.validation
        assert isinstance(part, Windows)
        first = max(0, len(part) - _DRAWN)
        batch = [tensor.to(device) for tensor in part[list(range(first, len(part)))]]
        found, actual = self.predict(model, batch)
        # The windows' scored steps follow each other.
        found, actual = (
            values[..., 0].flatten()[-_DRAWN:] for values in (middle(found, actual.shape[-1]), actual)
        )
        lines = {"one step ahead": found.cpu().numpy()}
        name = prepared.metadata.features[0]
        unit = f"{name}, {prepared.metadata.output_unit}" if prepared.metadata.output_unit else name
        return draw_forecasts(actual.cpu().numpy(), lines, unit, "step of the validation part")

    @torch.no_grad()
    def score(self, model: nn.Module, prepared: ForecastData) -> dict[str, float]:
        """Scores on the test part: the network's, and those of forecasts without learning."""
        test, horizon = prepared.test, prepared.horizon
        assert isinstance(test, Windows)
        assert isinstance(model, Forecaster)
        series = prepared.values[:, : prepared.targets]
        given = forecasts_at(model, prepared.values, test.origins, prepared.window, prepared.every)
        actual = actual_values(series, test.origins, horizon)
        forecasts = {"": middle(given, actual.shape[-1])}
        forecasts["/persistence"] = persistence(series, test.origins, horizon)
        if prepared.season is not None:
            forecasts["/seasonal_naive"] = seasonal_naive(series, test.origins, horizon, prepared.season)
        if prepared.returns:
            forecasts["/zero"] = torch.zeros_like(actual)
        scale = series[: prepared.split.train_end].std(0, correction=0)
        scores: dict[str, float] = {}
        for suffix, forecast in forecasts.items():
            found = forecast_scores(forecast, actual, prepared.mase_scale)
            found["mse_z"] = standardised_error(forecast, actual, scale)
            scores |= {f"{name}{suffix}": value for name, value in found.items()}
        return scores | _of_quantiles(given, actual, model.quantiles)


def _of_quantiles(given: Tensor, actual: Tensor, quantiles: Sequence[float]) -> dict[str, float]:
    """Scores of the intervals between quantiles of equal distance from the middle, e.g. "coverage_80"."""
    if not quantiles:
        return {}
    by_quantile = given.unflatten(-1, (-1, len(quantiles)))
    scores = {"pinball": pinball(by_quantile, actual, quantiles)}
    for index in range(len(quantiles) // 2):
        level = quantiles[-1 - index] - quantiles[index]
        found = interval_scores(by_quantile[..., index], by_quantile[..., -1 - index], actual, level)
        scores |= {f"{name}_{level * 100:.4g}": value for name, value in found.items()}
    return scores


def with_known_future(series: Series, options: Options) -> tuple[Tensor, tuple[str, ...]]:
    """The series as the network takes it, with what is known ahead coming `horizon` steps early.

    Returns:
        (time, features) float32, and the features' names.
    """
    own = len(series.columns) - len(options.future)
    ahead = [series.values[:, own:]]
    if options.calendar:
        ahead.append(calendar(series.times, options.calendar))
    known = early(np.concatenate(ahead, axis=1), options.horizon)
    names = [f"{name} +{options.horizon}" for name in (*options.future, *options.calendar)]
    values = np.concatenate([series.values[:, :own], known], axis=1)
    return torch.tensor(values, dtype=torch.float32), (*series.columns[:own], *names)


def _arguments(options: Options, series: Series, columns: tuple[str, ...], targets: int) -> dict[str, Any]:
    """What the network is built of."""
    start = options.start if options.start != "auto" else "mean" if options.returns else "last"
    if start == "season" and series.season is None:
        raise InputError("option start: 'season' needs to know how long a season is; set season.")
    found = {
        "features": len(columns),
        "targets": targets,
        "hidden_size": options.hidden_size,
        "cell": options.cell,
        "num_layers": options.num_layers,
        "dropout": options.dropout,
        "horizon": options.horizon,
    }
    # What is not asked for is left out, so that networks trained before it existed are still the same ones.
    asked = {
        "start": start if start != "last" else None,
        "season": series.season if start == "season" else None,
        "lags": options.lags,
        "known": len(options.future),
        "cycles": list(cycle_lengths(options.calendar)),
        "quantiles": list(options.quantiles),
    }
    return {**found, **{name: value for name, value in asked.items() if value}}


def read_series(options: Options, data: Path | None) -> Series:
    """The user's CSV file, or without one the series that is bundled."""
    if data is not None:
        series = read_csv(
            data,
            options.column + options.inputs + options.future,
            time_column=options.time_column,
            missing=options.missing,
            season=options.season,
            unit=options.unit,
            rows=options.rows,
            encoding=options.encoding,
        )
        targets = len(series.columns) - len(options.inputs) - len(options.future)
        return relative_changes(series, targets) if options.returns else series
    for item in fields(Options):
        if item.name in FILE_OPTIONS and getattr(options, item.name) != item.default:
            raise InputError(f"option {item.name}: is for a CSV file; name the file as the data (--data).")
    return BUNDLED[options.bundled]()


RECIPE = Forecast()
