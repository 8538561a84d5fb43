"""The whole way: data, training, files, proof, streams, report."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import edgernn
from edgernn.quickstart import QuickstartReport
from edgernn.quickstart.report import STREAM_TOLERANCE

from .conftest import Quickstart

pytestmark = pytest.mark.slow

FILES = ("sequence.onnx", "stream.onnx", "sequence.int8.onnx", "stream.int8.onnx")


def test_everything_passed(done: Quickstart) -> None:
    report = done.report
    assert report.passed
    assert [file.name for file in report.files] == list(FILES)
    for file in report.files:
        assert file.passed
        assert file.checks >= 10
        assert 0 < file.relative_error <= file.tolerance
    assert all(stream.max_difference <= STREAM_TOLERANCE for stream in report.streams)


def test_the_network_beats_forecasts_without_learning(done: Quickstart) -> None:
    scores = done.report.scores
    for score in ("rmse", "mae", "mase"):
        assert scores[score] < 0.6 * scores[f"{score}/persistence"]
        assert scores[score] < 0.6 * scores[f"{score}/seasonal_naive"]


def test_the_baselines_are_those_of_the_series(done: Quickstart) -> None:
    """Computed here from the bundled series itself."""
    from edgernn.training.series import el_nino

    values = el_nino().values[:, 0]
    held_out = round(0.2 * len(values))
    changes, seasons = values[1:] - values[:-1], values[12:] - values[:-12]
    scores = done.report.scores
    assert scores["rmse/persistence"] == pytest.approx(math.sqrt(np.mean(changes[-held_out:] ** 2)), rel=1e-5)
    assert scores["rmse/seasonal_naive"] == pytest.approx(
        math.sqrt(np.mean(seasons[-held_out:] ** 2)), rel=1e-5
    )


def test_training_stopped_after_its_best_epoch(done: Quickstart) -> None:
    report = done.report
    assert 1 <= report.best_epoch <= report.epochs
    assert report.unit == "°C"
    assert "NOAA" in report.source
    assert set(report.seconds) == {"train", "export", "stream", "bench", "report"}


def test_the_files_are_there_and_small(done: Quickstart) -> None:
    for file in done.report.files:
        path = done.folder / file.name
        session = edgernn.load(path)
        assert path.stat().st_size == file.bytes
        assert session.manifest.streaming == file.name.startswith("stream")
        assert session.manifest.scheme == ("int8" if "int8" in file.name else "float32")
        assert (session.manifest.task, session.inputs[0].unit) == ("forecast", "°C")
        assert session.manifest.scores["rmse"] == pytest.approx(done.report.scores["rmse"])
    sizes = {file.name: file.bytes for file in done.report.files}
    assert sizes["stream.int8.onnx"] / sizes["stream.onnx"] == pytest.approx(done.report.size_ratio)
    assert done.report.size_ratio < 0.5


@pytest.mark.parametrize("name", ["stream.onnx", "stream.int8.onnx"])
def test_a_stream_forecasts_as_the_report_says(done: Quickstart, name: str) -> None:
    """The held-out values pushed by hand, three at a time."""
    from edgernn.training.series import el_nino

    values = el_nino().values.astype(np.float32)
    held_out = round(0.2 * len(values))
    (result,) = (item for item in done.report.streams if item.file == name)
    pushed = values[-result.pushes - 1 : -1].reshape(1, -1, 1)
    stream = edgernn.load(done.folder / name).stream()
    outputs = [stream.push(pushed[:, start : start + 3]) for start in range(0, pushed.shape[1], 3)]
    forecasts = np.concatenate(outputs, axis=1)[0, -held_out:, 0]
    rmse = math.sqrt(np.mean((forecasts - values[-held_out:, 0]) ** 2))
    assert rmse == pytest.approx(result.rmse, abs=1e-4)
    # Training scores every window from an empty state; the stream has seen more of the past.
    assert rmse == pytest.approx(done.report.scores["rmse"], rel=0.05)


def test_the_timings_name_what_raced(done: Quickstart) -> None:
    timings = done.report.timings
    names = [item.name for item in timings.measurements]
    assert names[0] == "edgernn"
    assert {"by hand", "default path", "torch eager"} <= set(names)
    assert all(item.latency.p50 > 0 for item in timings.measurements)


def test_it_said_what_it_did(done: Quickstart) -> None:
    text = "\n".join(done.said)
    assert [line[:5] for line in done.said if line.startswith("[")] == [
        f"[{stage}/5]" for stage in range(1, 6)
    ]
    assert "Every file computes what the network computes, within its tolerance." in done.said
    assert str(done.folder / "report.html") in text
    assert f"edgernn inspect {done.folder}/stream.onnx" in text


def test_the_next_steps_that_it_names_work(done: Quickstart) -> None:
    """Those that take no data of the user's own."""
    from typer.testing import CliRunner

    from edgernn.cli.app import build_app

    lines = "\n".join(done.said).partition("Next:\n")[2].splitlines()
    assert len(lines) >= 4
    for line in lines:
        words = line.split("|")[-1].split()
        assert words[0] == "edgernn"
        if "my.csv" in words or words[1] == "bench":
            continue
        answer = CliRunner().invoke(build_app(), words[1:], input="20\n21\n22\n")
        assert answer.exit_code == 0, line


def test_report_json_is_the_report(done: Quickstart) -> None:
    data = json.loads((done.folder / "report.json").read_text("utf-8"))
    assert data == json.loads(done.report.to_json())
    assert (data["passed"], data["beats_persistence"]) == (True, True)
    assert data["scores"] == done.report.scores


@pytest.fixture(scope="module")
def again(done: Quickstart, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """The command, into the folder of an earlier quickstart, with another seed."""
    folder = tmp_path_factory.mktemp("again") / "out"
    shutil.copytree(done.folder, folder)
    (folder / "run" / "of an earlier run").touch()
    words = [sys.executable, "-m", "edgernn.cli", "quickstart", "--out", str(folder), "--seed", "1", "--json"]
    answer = subprocess.run(words, capture_output=True, text=True, check=False, encoding="utf-8")
    assert answer.returncode == 0, answer.stderr
    # Nothing but JSON on standard output.
    return folder, json.loads(answer.stdout)


def test_the_command_prints_json_alone(again: tuple[Path, dict]) -> None:
    folder, data = again
    assert data == json.loads((folder / "report.json").read_text("utf-8"))
    assert data["folder"] == str(folder)
    assert data["passed"] is True


def test_it_runs_again_into_its_own_folder(again: tuple[Path, dict], done: Quickstart) -> None:
    folder, _ = again
    assert not (folder / "run" / "of an earlier run").exists()
    assert {path.name for path in folder.iterdir()} == {path.name for path in done.folder.iterdir()}


def test_another_seed_is_another_network(again: tuple[Path, dict], done: Quickstart) -> None:
    folder, data = again
    assert data["scores"]["rmse"] != done.report.scores["rmse"]
    assert data["scores"]["rmse/persistence"] == done.report.scores["rmse/persistence"]
    digests = {edgernn.load(path / "stream.onnx").manifest.weights_sha256 for path in (folder, done.folder)}
    assert len(digests) == 2


def test_the_report_is_the_one_that_was_returned(done: Quickstart) -> None:
    assert isinstance(done.report, QuickstartReport)
    assert done.report.folder == str(done.folder)
