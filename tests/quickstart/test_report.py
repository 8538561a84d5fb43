"""A quickstart passes where all of it is right, and fails where one thing is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgernn.errors import InputError
from edgernn.quickstart import QuickstartReport, quickstart
from edgernn.quickstart.report import STREAM_TOLERANCE, ModelFile, StreamResult

FILE = ModelFile("a.onnx", "a file", 1000, 12, True, 1e-6, 1e-7, 1e-5)
STREAM = StreamResult("a.onnx", 100, 0.0, 0.5, 10.0)
# The timings take no part in whether it passed.
TIMINGS: Any = None
GOOD = QuickstartReport(
    folder="out",
    source="a series",
    unit="°C",
    scores={"rmse": 0.5, "rmse/persistence": 1.2},
    epochs=3,
    best_epoch=2,
    files=(FILE, FILE),
    size_ratio=0.4,
    int8_max_error=0.01,
    streams=(STREAM, replace(STREAM, max_difference=STREAM_TOLERANCE)),
    timings=TIMINGS,
    seconds={},
)


def test_a_good_report_passes() -> None:
    assert GOOD.passed
    data = json.loads(GOOD.to_json())
    assert (data["passed"], data["beats_persistence"], data["unit"]) == (True, True, "°C")


@pytest.mark.parametrize(
    "changes",
    [
        {"files": (FILE, replace(FILE, passed=False))},
        {"streams": (STREAM, replace(STREAM, max_difference=1.01 * STREAM_TOLERANCE))},
        {"streams": (replace(STREAM, max_difference=float("nan")), STREAM)},
        {"scores": {"rmse": 1.3, "rmse/persistence": 1.2}},
        {"scores": {"rmse": 1.2, "rmse/persistence": 1.2}},
        {"scores": {"rmse": float("nan"), "rmse/persistence": 1.2}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_one_thing_wrong_fails(changes: dict[str, Any]) -> None:
    report = replace(GOOD, **changes)
    assert not report.passed
    assert json.loads(report.to_json())["passed"] is False


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"holds 'thesis.tex', which no quickstart wrote"):
        quickstart(tmp_path, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_other_files_beside_a_run_are_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").touch()
    (tmp_path / "notes").mkdir()
    with pytest.raises(InputError, match="holds 'notes'"):
        quickstart(tmp_path, progress=False)
    assert (tmp_path / "run" / "config.json").exists()


def test_models_without_a_run_are_someone_elses(tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"holds 'mine.onnx'"):
        quickstart(tmp_path, progress=False)
    assert (tmp_path / "mine.onnx").read_bytes() == b"mine"


def test_a_run_folder_of_another_program_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "results.csv").write_text("weeks of work")
    with pytest.raises(InputError, match="no quickstart wrote"):
        quickstart(tmp_path, progress=False)
    assert (tmp_path / "run" / "results.csv").exists()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(InputError, match="is a file; name a folder"):
        quickstart(tmp_path / "out", progress=False)
