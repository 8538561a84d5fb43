"""`edgernn quickstart`: a real series → a trained LSTM → proven ONNX files → a stream, and a report."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edgernn.errors import InputError
from edgernn.files import write_text
from edgernn.quickstart.report import QuickstartReport

__all__ = ["QuickstartReport", "quickstart"]

DEFAULT_FOLDER = "edgernn-quickstart"
Say = Callable[[str], None]


def quickstart(
    out: str | os.PathLike[str] = DEFAULT_FOLDER,
    *,
    seed: int = 0,
    progress: bool | None = None,
    say: Say = print,
) -> QuickstartReport:
    """Train an LSTM on a bundled real series, export, quantize, verify, time and stream it.

    Args:
        out: the folder to write: models, the training run, report.json, report.html and its pictures.
        seed: of the weights and the order of the samples.
        progress: whether to show a progress bar while training; None: where standard output is a terminal.
        say: takes a line of text for people.

    Returns:
        The report that also stands in report.json.

    Raises:
        InputError: where `out` holds something else already.
    """
    from edgernn.quickstart.page import write_page
    from edgernn.quickstart.stages import draw, export_files, stream_held_out, time_steps, train_forecaster

    folder = _empty_folder(Path(out))
    seconds: dict[str, float] = {}

    @contextmanager
    def stage(name: str, what: str) -> Iterator[None]:
        say(f"[{len(seconds) + 1}/5] {what}")
        started = time.perf_counter()
        yield
        seconds[name] = round(time.perf_counter() - started, 2)

    with stage("train", "Training LSTM(50) + linear head"):
        run, trained, data = train_forecaster(folder, seed, progress, say)
    with stage("export", "Exporting, quantizing, and proving every file equal to torch and to numpy float64"):
        files, size_ratio = export_files(folder, run, say)
    with stage("stream", "Streaming the held-out values one by one"):
        streams, forecasts, int8_error = stream_held_out(folder, data, say)
    with stage("bench", "Timing one step, alternating with what people do today"):
        timings = time_steps(folder, run, say)
    with stage("report", "Drawing the report"):
        pictures = draw(folder, run, data, forecasts, timings)
    report = QuickstartReport(
        folder=str(folder),
        source=trained.source,
        unit=run.config.metadata.output_unit,
        scores=trained.scores,
        epochs=trained.epochs,
        best_epoch=trained.best_epoch,
        files=files,
        size_ratio=size_ratio,
        int8_max_error=int8_error,
        streams=streams,
        timings=timings,
        seconds=seconds,
    )
    write_text(folder / "report.json", report.to_json(indent=2) + "\n")
    write_page(folder / "report.html", report, pictures, next_steps(folder))
    say("")
    good = "Every file computes what the network computes, within its tolerance."
    say(good if report.passed else "NOT everything is as it should be: see the report.")
    say(f"Report:  {folder / 'report.html'}")
    say("Next:")
    say("\n".join(f"  {line}" for line in next_steps(folder).splitlines()))
    return report


def next_steps(folder: Path) -> str:
    """Commands to type next, as they can be typed: `edgernn` may not be on the path."""
    called = sys.argv[0]
    edgernn = called if called.endswith("edgernn") and shutil.which("edgernn") is None else "edgernn"
    return "\n".join(
        [
            f"{edgernn} inspect {folder}/stream.onnx",
            f"seq 20 29 | {edgernn} run {folder}/stream.onnx -",
            f"{edgernn} verify {folder}/run {folder}/stream.int8.onnx",
            f"{edgernn} bench {folder}/stream.onnx --source {folder}/run",
            f"{edgernn} train forecast --data my.csv --column y",
        ]
    )


def _empty_folder(folder: Path) -> Path:
    """The folder, new or of an earlier quickstart, whose files give way."""
    ours = {"run", "pictures", "report.json", "report.html"}
    if folder.is_file():
        raise InputError(f"out: {str(folder)!r} is a file; name a folder.")
    if folder.is_dir():
        names = {item.name for item in folder.iterdir()}
        foreign = sorted(name for name in names - ours if not name.endswith(".onnx"))
        if foreign or (names and not _is_ours(folder)):
            found = foreign[0] if foreign else sorted(names)[0]
            raise InputError(
                f"out: {str(folder)!r} holds {found!r}, which no quickstart wrote. Name a new folder (--out)."
            )
        _remove(folder / "run")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _is_ours(folder: Path) -> bool:
    """Whether an earlier quickstart wrote the folder: its run is one of the forecast recipe."""
    from edgernn.errors import EdgeRNNError
    from edgernn.training.config import RunConfig

    try:
        return RunConfig.read(folder / "run").recipe == "forecast"
    except EdgeRNNError:
        return False


def _remove(run: Path) -> None:
    """Remove the run of an earlier quickstart, which training would not write over."""
    if run.is_dir():
        shutil.rmtree(run)
