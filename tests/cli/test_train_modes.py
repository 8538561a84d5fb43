"""train --find-learning-rate and train --search."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import TRAIN


def test_a_learning_rate_is_suggested_and_nothing_is_trained(invoke, series: Path, tmp_path: Path) -> None:
    words = ("train", "forecast", "--data", series, "--column", "y", "--find-learning-rate", *TRAIN)
    result = invoke(*words, "--out", tmp_path / "rates")
    assert result.exit_code == 0, result.output
    assert "steeply at" in result.stdout
    assert "edgernn train forecast --learning-rate" in result.stdout
    assert {path.suffix for path in (tmp_path / "rates").iterdir()} == {".json", ".csv", ".png"}
    found = json.loads(invoke(*words, "--out", tmp_path / "again", "--json").stdout)
    assert len(found["rates"]) == len(found["losses"])


@pytest.mark.slow
def test_a_search_and_its_resumption(invoke, series: Path, tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text("[learning_rate]\nlow = 1e-4\nhigh = 1e-2\nlog = true\n")
    words = (
        "train",
        "forecast",
        "--data",
        series,
        "--column",
        "y",
        "--search",
        tmp_path / "space.toml",
        *TRAIN,
    )
    result = invoke(*words, "--trials", 1, "--out", tmp_path / "found")
    assert result.exit_code == 0, result.output
    for part in (
        "Trial 0 (learning_rate",
        "validation loss",
        "Best: trial 0",
        "edgernn export",
        "persistence",
    ):
        assert part in result.stdout
    report = json.loads(invoke(*words, "--trials", 2, "--resume", tmp_path / "found", "--json").stdout)
    assert [trial["state"] for trial in report["trials"]] == ["complete", "complete"]
    file = tmp_path / "best.onnx"
    assert invoke("export", report["trials"][report["best"]]["folder"], "-o", file, "--json").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--trials", "3"), "--trials: is for a search"),
        (("--search", "none.toml"), "search: no file at 'none.toml'"),
        (
            ("--search", "none.toml", "--find-learning-rate"),
            "--search: does not go with --find-learning-rate",
        ),
        (("--find-learning-rate", "--resume", "run"), "--resume: does not go with --find-learning-rate"),
        (("--find-learning-rate", "--qat", "int8"), "--qat: does not go with --find-learning-rate"),
        (("--search", "none.toml", "--profile"), "--profile: does not go with --search"),
        (("--search", "none.toml", "--devices", "2"), "--devices: does not go with --search"),
        (("--devices", "2"), "torchrun --nproc_per_node 2 -m edgernn.cli train"),
    ],
)
def test_wrong_arguments_are_refused(invoke, words: tuple[str, ...], said: str) -> None:
    result = invoke("train", "forecast", *words)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.stderr.split())
