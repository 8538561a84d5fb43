"""Detect faults of sensors by how far they are from their forecast, at a calibrated rate of false alarms."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, Subset

from edgernn.errors import InputError
from edgernn.models import AnomalyDetector
from edgernn.training.alarms import Steps, classify_steps, curve, found_faults, starts, threshold_for
from edgernn.training.classification import write_roc, write_table
from edgernn.training.csv_series import read_csv
from edgernn.training.faults import KINDS, Fault, inject, labelled_faults
from edgernn.training.forecasts import forecast_loss
from edgernn.training.options import TrainingOptions, option
from edgernn.training.recipe import Metadata, Prepared, Recipe
from edgernn.training.series import Series, co2
from edgernn.training.windows import Split, Windows, in_blocks, split_in_time

FILE_OPTIONS = (
    "column", "time_column", "label_column", "missing", "unit", "rows", "encoding",
)  # fmt: skip
FAULTS_FILE = "faults.csv"
_DAY = 24 * 3600


@dataclass(frozen=True)
class Options(TrainingOptions):
    """Options of the sensor-anomaly recipe."""

    column: tuple[str, ...] = option(
        (), "Columns of the CSV file that hold channels; empty: all numeric ones."
    )
    time_column: str = option("", "Column with dates or times; checks that they ascend at one interval.")
    label_column: str = option(
        "",
        "Column with the kind of fault of each row, else empty or 0; without it the test part gets faults.",
    )
    missing: Literal["refuse", "interpolate"] = option("refuse", "What to do where values are missing.")
    unit: str = option("", "Unit of the values, for reports and the exported file.")
    rows: int | None = option(None, "How many rows of the CSV file to read; none reads all.", minimum=1)
    encoding: str = option("utf-8", "Encoding of the file.")
    false_alarm_rate: float = option(
        0.005, "Share of the time steps without a fault that may alarm.", above=0, below=1
    )
    alarms_per_day: float | None = option(
        None, "False alarms a day, in place of false_alarm_rate; needs times.", above=0
    )
    horizon: int = option(6, "Steps ahead of the earlier of two forecasts; it sees slow faults.", minimum=1)
    span: int = option(8, "Steps that means of the errors are over.", minimum=1)
    window: int = option(96, "Past time steps that one training sample has.", minimum=2)
    every: int = option(8, "Time steps from one training window to the next.", minimum=1)
    lags: int = option(12, "Past values of a linear forecast beside the recurrent one.", minimum=0)
    validation_size: float = option(
        0.1, "Part that chooses the epoch; below 1 a share, else time steps.", above=0
    )
    calibration_size: float = option(
        0.25, "Clean part that sets the threshold; below 1 a share, else time steps.", above=0
    )
    test_size: float = option(0.3, "Part held out at the end; below 1 a share, else time steps.", above=0)
    fault_kinds: tuple[str, ...] = option(tuple(KINDS), "Faults that are put into the test part.")
    fault_count: int = option(2, "How many of each kind.", minimum=1)
    fault_steps: int = option(12, "Time steps that a fault lasts; a spike lasts one.", minimum=1)
    fault_size: float = option(1.0, "Size of a fault, in standard deviations of its channel.", above=0)
    fault_seed: int = option(0, "Seed of the faults' places, channels and signs.", minimum=0)
    cell: str = option("gru", "Recurrent cell: lstm, gru, rnn, or another of edgernn.cells.")
    hidden_size: int = option(32, "Size of a recurrent layer.", minimum=1)
    num_layers: int = option(1, "Recurrent layers on top of each other.", minimum=1)
    dropout: float = option(0.0, "Dropout between recurrent layers.", minimum=0, below=1)
    max_epochs: int = option(20, "Most passes over the training part.", minimum=1)
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = option(
        "one-cycle", "How the learning rate changes over training."
    )
    threads: int | None = option(1, "CPU threads that training uses; none: torch's choice.", minimum=1)


@dataclass(frozen=True)
class AnomalyData(Prepared):
    """The data sets, and what calibration and scoring need beside them.

    Attributes:
        values: (time, channels) float32, as they came.
        faulty: the same with the faults that were put into the test part.
        faults: all of them, those that the file's labels tell of included.
        split: training, validation, and from `validation_end` on calibration and test.
        test_start: where the test part begins.
        options: of the run.
        sample_rate: time steps per second; None where unknown.
    """

    values: Tensor
    faulty: Tensor
    faults: tuple[Fault, ...]
    split: Split
    test_start: int
    options: Options
    sample_rate: float | None

    @property
    def faults_of_test(self) -> list[Fault]:
        """Those that are scored."""
        return [fault for fault in self.faults if fault.start >= self.test_start]

    @property
    def recovery(self) -> int:
        """Steps after a fault that count as neither: means and forecasts still hold it."""
        return recovery(self.options)

    def steps(self, first: int, faults: tuple[Fault, ...]) -> Steps:
        """Which steps from `first` on are faulty, and which are clean."""
        return classify_steps(len(self.values), faults, first, self.recovery)


class SensorAnomaly(Recipe[Options, AnomalyData]):
    """A score for every sample, and an alarm where it is beyond what clean samples have."""

    summary = "Detect faults of sensors, sample by sample, with a calibrated rate of false alarms."
    options_type = Options
    data_options = ("rows", "label_column", "encoding")

    def prepare(self, options: Options, data: Path | None) -> AnomalyData:
        """Read the series, cut it in time order, and put faults into the test part."""
        series = read_series(options, data)
        values = torch.tensor(series.values, dtype=torch.float32)
        window, horizon, count = options.window, options.horizon, len(series.values)
        calibration, test = (
            round(size * count) if size < 1 else int(size)
            for size in (options.calibration_size, options.test_size)
        )
        split = split_in_time(
            count, validation_size=options.validation_size, test_size=calibration + test, window=window,
            horizon=horizon,
        )  # fmt: skip
        test_start = count - test
        faults = labelled_faults(series.labels) if series.labels is not None else []
        faulty = values
        if series.labels is None:
            scale = values[: split.train_end].std(0, correction=0)
            faulty, faults = inject(
                values, scale, kinds=options.fault_kinds, each=options.fault_count, first=test_start,
                steps=options.fault_steps, size=options.fault_size, gap=recovery(options),
                seed=options.fault_seed,
            )  # fmt: skip
        if not any(fault.start >= test_start for fault in faults):
            raise InputError(
                f"data: column {options.label_column!r} tells of no fault in the test part, the last {test} "
                "rows, so that nothing can be scored. Set another test_size."
            )
        known = classify_steps(count, faults, 0, recovery(options)).clean
        origins = split.train_origins(window, horizon)[:: options.every]
        train = Windows(values, origins, window, horizon, scored_steps=max(1, window // 2))
        validation = in_blocks(
            values, split.validation_origins(horizon), window, horizon, every=options.every
        )
        return AnomalyData(
            train=_clean(train, known, window, horizon, "training"),
            validation=_clean(validation, known, window, horizon, "validation"),
            test=Windows(faulty, range(test_start, count - horizon), window, horizon),
            arguments={
                "features": len(series.columns),
                "horizon": horizon,
                "span": options.span,
                "settle": window,
                "hidden_size": options.hidden_size,
                "cell": options.cell,
                "num_layers": options.num_layers,
                "dropout": options.dropout,
                "lags": options.lags,
            },
            metadata=Metadata(
                task="sensor-anomaly",
                input_unit=series.unit,
                sample_rate=series.sample_rate,
                features=series.columns,
                outputs=("score", "alarm"),
            ),
            source=f"{series.source}; {_told(series, faults, options)}",
            fingerprint=series.fingerprint,
            example=(faulty[max(0, test_start - window) :][: 4 * window].unsqueeze(0),),
            values=values,
            faulty=faulty,
            faults=tuple(faults),
            split=split,
            test_start=test_start,
            options=options,
            sample_rate=series.sample_rate,
        )

    def build(self, arguments: dict[str, Any]) -> AnomalyDetector:
        """The network: a forecaster, what its errors show of a fault, and a threshold."""
        return AnomalyDetector(**arguments)

    def initialise(self, model: nn.Module, prepared: AnomalyData) -> None:
        """Set the normalisation, from the training part alone."""
        assert isinstance(model, AnomalyDetector)
        model.forecaster.fit_normalization(prepared.values[: prepared.split.train_end])

    def predict(self, model: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        """The forecasts of the time steps that have targets: the window's last ones."""
        assert isinstance(model, AnomalyDetector)
        inputs, target = batch
        return model.forecaster(inputs)[:, -target.shape[1] :].contiguous(), target

    def loss(self, model: nn.Module, output: Tensor, target: Tensor) -> Tensor:
        """Mean squared error of the forecasts, in units of the usual change."""
        assert isinstance(model, AnomalyDetector)
        return forecast_loss(model.forecaster, output, target)

    def finish(self, model: nn.Module, prepared: AnomalyData) -> None:
        """Set the threshold, on the calibration part."""
        assert isinstance(model, AnomalyDetector)
        options, first = prepared.options, prepared.split.validation_end
        part = prepared.values[: prepared.test_start]
        known = prepared.steps(first, prepared.faults).clean[: len(part)]
        scores = model.calibrate(part, known, options.false_alarm_rate)
        if options.alarms_per_day is not None:
            if prepared.sample_rate is None:
                raise InputError("option alarms_per_day: the series has no times; name its time_column.")
            days = len(scores) / prepared.sample_rate / _DAY
            model.threshold.fill_(threshold_for(scores, options.alarms_per_day * days))

    def score(self, model: nn.Module, prepared: AnomalyData) -> dict[str, float]:
        """Area under the ROC curve, share of faults found, and false alarms on the test part as it came."""
        steps = prepared.steps(prepared.test_start, prepared.faults)
        given = detect(model, prepared, prepared.faulty)
        by_score = {
            "": given[:, 0],
            "/change": _largest(prepared, prepared.faulty.diff(dim=0, prepend=prepared.faulty[:1])),
            "/deviation": _largest(prepared, prepared.faulty - _training_part(prepared).mean(0)),
        }
        scores = {f"auc{suffix}": curve(found, steps).area for suffix, found in by_score.items()}
        found = found_faults(given[:, 1] > 0, prepared.faults_of_test)
        scores["found"] = sum(item.found for item in found) / sum(item.faults for item in found)
        return scores | false_alarms(model, prepared)

    def write_details(self, model: nn.Module, prepared: AnomalyData, folder: Path) -> None:
        """Write faults.csv: of each kind how many were found, how soon, and the area; and roc.png."""
        first = prepared.test_start
        given = detect(model, prepared, prepared.faulty)
        clean = prepared.steps(first, prepared.faults).clean
        curves, rows = [curve(given[:, 0], prepared.steps(first, prepared.faults), "any fault")], []
        for item in found_faults(given[:, 1] > 0, prepared.faults_of_test):
            own = tuple(fault for fault in prepared.faults_of_test if fault.kind == item.kind)
            curves.append(curve(given[:, 0], Steps(prepared.steps(first, own).faulty, clean), item.kind))
            rows.append([item.kind, item.faults, item.found, f"{item.delay:g}", f"{curves[-1].area:.4f}"])
        header = ("fault", "faults", "found", "median delay in steps", "auc")
        write_table(folder / FAULTS_FILE, header, rows)
        write_roc(folder, curves)


@torch.no_grad()
def detect(model: nn.Module, prepared: AnomalyData, values: Tensor) -> Tensor:
    """Score and alarm of every step: (time, 2); zeros before the calibration part, where a stream begins."""
    first = prepared.split.validation_end
    given: Tensor = model(values[None, first:])[0]
    return torch.cat([given.new_zeros(first, 2), given])


def false_alarms(model: nn.Module, prepared: AnomalyData) -> dict[str, float]:
    """How often the test part alarms as it came, without faults put into it, and how often it may."""
    told = prepared.faults if prepared.options.label_column else ()
    clean = prepared.steps(prepared.test_start, told).clean
    alarms = (detect(model, prepared, prepared.values)[:, 1] > 0)[clean]
    asked, rate = prepared.options.alarms_per_day, prepared.sample_rate
    scores = {"false_alarm_rate": float(alarms.float().mean())}
    if asked is None:
        return scores | {"asked_rate": prepared.options.false_alarm_rate}
    assert rate is not None  # `finish` asks for it
    return scores | {"alarms_per_day": starts(alarms) / (len(alarms) / rate / _DAY), "asked_per_day": asked}


def recovery(options: Options) -> int:
    """Steps after a fault that its means and forecasts still hold it."""
    return options.span + options.horizon + options.lags


def _training_part(prepared: AnomalyData) -> Tensor:
    return prepared.values[: prepared.split.train_end]


def _largest(prepared: AnomalyData, values: Tensor) -> Tensor:
    """The largest of all channels, each in its own standard deviations: a score without learning."""
    scale = _training_part(prepared).std(0, correction=0).clamp(min=1e-12)
    return (values / scale).abs().amax(1)


def _clean(part: Windows, known: Tensor, window: int, horizon: int, what: str) -> Dataset:
    """The windows that no labelled fault touches."""
    kept = [
        index
        for index, origin in enumerate(part.origins)
        if known[origin - window + 1 : origin + horizon + 1].all()
    ]
    if not kept:
        raise InputError(
            f"data: no window of {window} rows of the {what} part is free of faults. Give more rows without "
            "faults, or a smaller window."
        )
    return part if len(kept) == len(part) else Subset(part, kept)


def _told(series: Series, faults: list[Fault], options: Options) -> str:
    if series.labels is not None:
        return f"{len(faults)} faults by its column {options.label_column}"
    kinds = ", ".join(options.fault_kinds)
    return f"with {len(faults)} faults put into its test part ({kinds}; seed {options.fault_seed})"


def read_series(options: Options, data: Path | None) -> Series:
    """The user's CSV file, or without one the series that is bundled."""
    if data is not None:
        return read_csv(
            data,
            options.column,
            time_column=options.time_column,
            label_column=options.label_column,
            every_column=True,
            missing=options.missing,
            unit=options.unit,
            rows=options.rows,
            encoding=options.encoding,
        )
    for item in fields(Options):
        if item.name in FILE_OPTIONS and getattr(options, item.name) != item.default:
            raise InputError(f"option {item.name}: is for a CSV file; name the file as the data (--data).")
    return co2()


RECIPE = SensorAnomaly()
