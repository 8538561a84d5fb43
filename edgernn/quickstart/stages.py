"""The stages of the quickstart; each is what a user would write with the public verbs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import edgernn
from edgernn.bench import BenchReport, bench, draw_latency
from edgernn.quickstart.report import ModelFile, StreamResult
from edgernn.training import Run, TrainReport, load_run, train
from edgernn.training.options import read_options
from edgernn.training.pictures import draw_forecasts, draw_losses
from edgernn.verify import verify
from edgernn.verify.tolerances import tolerance

Say = Callable[[str], None]

SEQUENCE, STREAM = "sequence.onnx", "stream.onnx"
SEQUENCE_INT8, STREAM_INT8 = "sequence.int8.onnx", "stream.int8.onnx"


@dataclass(frozen=True)
class HeldOut:
    """The held-out end of the series, and what comes before it.

    Attributes:
        warm_up: values before the held-out ones that only fill the state.
        values: the held-out values.
    """

    warm_up: np.ndarray
    values: np.ndarray

    @property
    def pushed(self) -> np.ndarray:
        """What a stream is given: (1, steps, 1). The last value has no successor to compare with."""
        return np.concatenate([self.warm_up, self.values])[:-1].reshape(1, -1, 1)


def train_forecaster(
    folder: Path, seed: int, progress: bool | None, say: Say
) -> tuple[Run, TrainReport, HeldOut]:
    """Train the forecast recipe on its bundled series, and find the part that was held out."""
    trained = train("forecast", out=folder / "run", seed=seed, progress=progress, quiet=progress is False)
    run = load_run(folder / "run")
    options = read_options(run.recipe.options_type, run.config.options)
    prepared = run.recipe.prepare(options, None)
    series, start = prepared.values[:, 0].numpy(), prepared.split.validation_end
    say(
        f"      RMSE {trained.scores['rmse']:.3f} {run.config.metadata.output_unit} held out; "
        f"persistence {trained.scores['rmse/persistence']:.3f}, "
        f"seasonal naive {trained.scores['rmse/seasonal_naive']:.3f}"
    )
    return run, trained, HeldOut(series[start - options.window : start], series[start:])


def export_files(folder: Path, run: Run, say: Say) -> tuple[tuple[ModelFile, ...], float]:
    """Sequence and streaming graphs, float32 and int8, each verified against torch and numpy."""
    example, metadata = run.example_inputs(), run.config.metadata
    described = {
        "task": metadata.task,
        "unit": metadata.input_unit,
        "output_unit": metadata.output_unit,
        "features": metadata.features,
        "outputs": metadata.outputs,
        "scores": run.config.scores,
    }
    edgernn.export(run.model, folder / SEQUENCE, example, metadata=described, check=False)
    edgernn.export(run.model, folder / STREAM, example, streaming=True, metadata=described, check=False)
    edgernn.quantize(folder / SEQUENCE, folder / SEQUENCE_INT8, calibration=example[0].numpy())
    report = edgernn.quantize(folder / STREAM, folder / STREAM_INT8, calibration=example[0].numpy())
    files = tuple(
        _verified(folder / name, what, scheme, run, say)
        for name, what, scheme in (
            (SEQUENCE, "whole sequences", "float32"),
            (STREAM, "streaming, any chunk", "float32"),
            (SEQUENCE_INT8, "whole sequences, int8 weights", "int8"),
            (STREAM_INT8, "streaming, int8 weights", "int8"),
        )
    )
    return files, report.ratio


def _verified(path: Path, what: str, scheme: str, run: Run, say: Say) -> ModelFile:
    report = verify(run.model, path, example_inputs=run.example_inputs())
    file = ModelFile(
        name=path.name,
        what=what,
        bytes=path.stat().st_size,
        checks=len(report.checks),
        passed=report.passed,
        max_abs_error=report.max_abs_error,
        relative_error=report.max_relative_error,
        tolerance=tolerance("float32", scheme),
    )
    say(
        f"      {file.name:<20} {file.bytes / 1000:6.1f} kB   {file.checks:3d} checks "
        f"{'passed' if file.passed else 'FAILED'}, relative error {file.relative_error:.1e}"
    )
    return file


def stream_held_out(
    folder: Path, data: HeldOut, say: Say
) -> tuple[tuple[StreamResult, ...], np.ndarray, float]:
    """Push the held-out values one by one through both streams.

    Returns:
        What came of each stream; the float32 stream's forecasts of the held-out values; and the largest
        difference of the int8 stream's forecasts from them.
    """
    results: list[StreamResult] = []
    forecasts: list[np.ndarray] = []
    for name, sequence in ((STREAM, SEQUENCE), (STREAM_INT8, SEQUENCE_INT8)):
        stream = edgernn.load(folder / name).stream()
        whole = edgernn.load(folder / sequence).run(data.pushed)
        assert isinstance(whole, np.ndarray)
        outputs: list[np.ndarray] = []
        times: list[float] = []
        for step in range(data.pushed.shape[1]):
            value = data.pushed[:, step : step + 1]
            started = time.perf_counter()
            output = stream.push(value)
            times.append(time.perf_counter() - started)
            assert isinstance(output, np.ndarray)
            outputs.append(output)
        streamed = np.concatenate(outputs, axis=1)
        # The output after the last warm-up value is the forecast of the first held-out one.
        forecast = streamed[0, len(data.warm_up) - 1 :, 0]
        result = StreamResult(
            file=name,
            pushes=len(times),
            max_difference=float(np.abs(streamed - whole).max()),
            rmse=float(np.sqrt(np.mean((forecast - data.values) ** 2))),
            microseconds=float(np.median(times) * 1e6),
        )
        say(
            f"      {name:<20} {result.pushes} values pushed, differs from the sequence run by "
            f"{result.max_difference:.1e}, RMSE {result.rmse:.3f}"
        )
        results.append(result)
        forecasts.append(forecast)
    return tuple(results), forecasts[0], float(np.abs(forecasts[0] - forecasts[1]).max())


def time_steps(folder: Path, run: Run, say: Say) -> BenchReport:
    """One step each way: edgernn float32 and int8, onnxruntime by hand, the default path, torch."""
    report = bench(
        folder / STREAM,
        source=run.model,
        example_inputs=run.example_inputs(),
        against=folder / STREAM_INT8,
        processes=0,
    )
    for item in report.measurements:
        ratio = "" if item.ratio is None else f"   edgernn takes {item.ratio.median:.2f} × as long"
        name = "int8" if item.name.startswith("against") else item.name
        say(f"      {name:<16} {item.latency.p50:7.1f} µs{ratio}")
    return report


def draw(
    folder: Path, run: Run, data: HeldOut, forecasts: np.ndarray, timings: BenchReport
) -> dict[str, Path]:
    """The report's pictures, as PNG files by name."""
    drawn = {name: folder / "pictures" / f"{name}.png" for name in ("forecast", "training", "latency")}
    (folder / "pictures").mkdir(exist_ok=True)
    before = np.concatenate([data.warm_up[-1:], data.values[:-1]])
    lines = {"persistence": before, "LSTM, one step ahead, streamed": forecasts}
    unit = run.config.metadata.output_unit
    draw_forecasts(data.values, lines, unit, "held-out step").savefig(drawn["forecast"])
    history = json.loads((folder / "run" / "history.json").read_text("utf-8"))["epochs"]
    draw_losses(history, run.config.best_epoch).savefig(drawn["training"])
    draw_latency(timings, drawn["latency"])
    return drawn
