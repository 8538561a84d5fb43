"""Forecast the next values of a time series from its past."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from edgernn.errors import InputError
from edgernn.models import Forecaster
from edgernn.training.augmentation import NoisyInputs
from edgernn.training.baselines import actual_values, persistence, seasonal_naive
from edgernn.training.csv_series import read_csv
from edgernn.training.metrics.forecast import forecast_scores, mase_scale
from edgernn.training.options import TrainingOptions, option
from edgernn.training.pictures import draw_forecasts
from edgernn.training.recipe import Metadata, Prepared, Recipe
from edgernn.training.series import Series, el_nino
from edgernn.training.windows import Split, Windows, split_in_time

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torchmetrics import Metric

# Forecasts in a picture.
_DRAWN = 120

FILE_OPTIONS = ("column", "inputs", "time_column", "missing", "season", "unit", "rows")


@dataclass(frozen=True)
class Options(TrainingOptions):
    """Options of the forecast recipe."""

    column: tuple[str, ...] = option((), "Columns of the CSV file to forecast.")
    inputs: tuple[str, ...] = option((), "Further columns that the forecast may use.")
    time_column: str = option("", "Column with dates or times; checks that they ascend at one interval.")
    missing: Literal["refuse", "interpolate"] = option("refuse", "What to do where values are missing.")
    season: int | None = option(None, "Time steps a season has, for the seasonal naive forecast.", minimum=1)
    unit: str = option("", "Unit of the values, for reports and the exported file.")
    rows: int | None = option(None, "How many rows of the CSV file to read; none reads all.", minimum=1)
    window: int = option(36, "Past time steps that one training sample has.", minimum=1)
    warm_up: float = option(
        0.667, "Share of a training window that only fills the state.", minimum=0, below=1
    )
    horizon: int = option(1, "Future time steps that are forecast at once.", minimum=1)
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
        names = self.column + self.inputs
        if len(set(names)) < len(names):
            raise InputError(f"options column and inputs: each column once, found {', '.join(names)}.")


@dataclass(frozen=True)
class ForecastData(Prepared):
    """The data sets, and what scoring needs of the series they are cut from.

    Attributes:
        values: (time, features) float32, the columns to forecast first.
        split: where it is cut.
        season: time steps a season has; None where unknown.
        horizon: time steps that are forecast at once.
        targets: how many columns are forecast.
        mase_scale: (targets,), what MASE divides by.
    """

    values: Tensor
    split: Split
    season: int | None
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
        values = torch.tensor(series.values, dtype=torch.float32)
        window, horizon = options.window, options.horizon
        split = split_in_time(
            len(values),
            validation_size=options.validation_size,
            test_size=options.test_size,
            window=window,
            horizon=horizon,
        )
        targets = len(series.columns) - len(options.inputs)
        shape = (window, horizon, targets)
        test = Windows(values, split.test_origins(horizon), *shape)
        scored = max(1, round(window * (1 - options.warm_up)))
        train: Dataset = Windows(values, split.train_origins(window, horizon), *shape, scored_steps=scored)
        if options.noise:
            train = NoisyInputs(train, options.noise, values[: split.train_end].std(0, correction=0))
        return ForecastData(
            train=train,
            validation=Windows(values, split.validation_origins(horizon), *shape),
            test=test,
            arguments={
                "features": len(series.columns),
                "targets": targets,
                "hidden_size": options.hidden_size,
                "cell": options.cell,
                "num_layers": options.num_layers,
                "dropout": options.dropout,
                "horizon": horizon,
            },
            metadata=Metadata(
                task="forecast",
                input_unit=series.unit,
                output_unit=series.unit,
                sample_rate=series.sample_rate,
                features=series.columns,
                outputs=tuple(
                    f"{name} +{step}" for step in range(1, horizon + 1) for name in series.columns[:targets]
                ),
            ),
            source=series.source,
            fingerprint=series.fingerprint,
            example=test[[0, len(test) - 1]][:1],
            values=values,
            split=split,
            season=series.season,
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
        """Mean squared error, in units of the usual change, so that every unit and column counts alike."""
        assert isinstance(model, Forecaster)
        return ((output - target) / model.change).square().mean()

    def metrics(self) -> dict[str, Metric]:
        """RMSE in the unit of the series."""
        from torchmetrics import MeanSquaredError

        return {"rmse": MeanSquaredError(squared=False)}

    def picture(self, model: nn.Module, prepared: ForecastData) -> Figure:
        """The end of the validation part, and the forecast of each value one step before."""
        device = next(model.parameters()).device
        part = prepared.validation
        assert isinstance(part, Windows)
        first = max(0, len(part) - _DRAWN)
        batch = [tensor.to(device) for tensor in part[list(range(first, len(part)))]]
        found, actual = self.predict(model, batch)
        lines = {"one step ahead": found[:, -1, 0].cpu().numpy()}
        name = prepared.metadata.features[0]
        unit = f"{name}, {prepared.metadata.output_unit}" if prepared.metadata.output_unit else name
        return draw_forecasts(actual[:, -1, 0].cpu().numpy(), lines, unit, "step of the validation part")

    @torch.no_grad()
    def score(self, model: nn.Module, prepared: ForecastData) -> dict[str, float]:
        """RMSE, MAE and MASE on the test part: the network's, and those of forecasts without learning."""
        test, horizon = prepared.test, prepared.horizon
        assert isinstance(test, Windows)
        series = prepared.values[:, : prepared.targets]
        batches = torch.arange(len(test)).split(256)
        forecasts = {"": torch.cat([model(test[part.tolist()][0])[:, -1] for part in batches])}
        forecasts["/persistence"] = persistence(series, test.origins, horizon)
        if prepared.season is not None:
            forecasts["/seasonal_naive"] = seasonal_naive(series, test.origins, horizon, prepared.season)
        actual = actual_values(series, test.origins, horizon)
        return {
            f"{name}{suffix}": value
            for suffix, forecast in forecasts.items()
            for name, value in forecast_scores(forecast, actual, prepared.mase_scale).items()
        }


def read_series(options: Options, data: Path | None) -> Series:
    """The user's CSV file, or without one the series that is bundled."""
    if data is not None:
        return read_csv(
            data,
            options.column + options.inputs,
            time_column=options.time_column,
            missing=options.missing,
            season=options.season,
            unit=options.unit,
            rows=options.rows,
        )
    for item in fields(Options):
        if item.name in FILE_OPTIONS and getattr(options, item.name) != item.default:
            raise InputError(f"option {item.name}: is for a CSV file; name the file as the data (--data).")
    return el_nino()


RECIPE = Forecast()
