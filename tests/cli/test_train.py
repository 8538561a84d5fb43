"""train and evaluate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import edgernn

from .conftest import TRAIN


def test_training_shows_scores_beside_baselines_and_what_next(trained) -> None:
    assert trained.exit_code == 0, trained.output
    for part in ("model", "persistence", "seasonal naive", "rmse", "edgernn export", "--streaming"):
        assert part in trained.stdout


def test_evaluate(invoke, run_folder: Path) -> None:
    result = invoke("evaluate", run_folder)
    assert result.exit_code == 0, result.stderr
    for part in ("model", "persistence", "seasonal naive", "rmse"):
        assert part in result.stdout
    scores = json.loads(invoke("evaluate", run_folder, "--json").stdout)["scores"]
    assert scores["rmse/persistence"] > 0


def test_a_run_exports_with_all_that_is_known(invoke, run_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    assert invoke("export", run_folder, "-o", file, "--streaming", "--json").exit_code == 0
    manifest = edgernn.load(file).manifest
    assert (manifest.task, manifest.inputs[0].unit) == ("forecast", "°C")
    assert "rmse/persistence" in manifest.scores
    assert invoke("verify", run_folder, file).exit_code == 0
    assert "Scores at training" in invoke("inspect", file).stdout


def test_training_goes_on_where_it_stopped(invoke, run_folder: Path) -> None:
    result = invoke("train", "forecast", "--resume", run_folder, "--epochs", 2, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["epochs"] == 2


def test_options_of_a_recipe_are_listed(invoke) -> None:
    assert "hidden_size" in invoke("train", "forecast", "--options").stdout
    options = json.loads(invoke("train", "forecast", "--options", "--json").stdout)["options"]
    assert {
        name: value for name, value in options[[item["name"] for item in options].index("horizon")].items()
        if name != "help"
    } == {"name": "horizon", "type": "int", "default": 1}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("forcast",), "no recipe 'forcast'. Did you mean 'forecast'"),
        (("forecast", "--set", "hiden_size=3"), "Did you mean 'hidden_size'"),
        (("forecast", "--set", "hidden_size"), "--set: 'hidden_size' is no KEY=VALUE"),
        (("forecast", "--season", "3", "--set", "season=4"), "--set: season is given twice"),
        (("forecast", "--data", "none.csv"), "data: nothing at 'none.csv'"),
        (("forecast", "--column", "y"), "option column: is for a CSV file"),
        (("forecast", "--resume", "none"), "run: no folder at 'none'"),
        (("forecast", "--resume", "none", "--out", "other"), "goes on in its own folder"),
        (("forecast", "--schedule", "steps"), "option schedule: expected one of 'constant'"),
        (("forecast", "--class-weights", "balanced"), "unknown option 'class_weights'"),
        (("forecast", "--epochs", "0"), "max_epochs: must be ≥ 1"),
    ],
)
def test_wrong_arguments_are_refused(invoke, monkeypatch, words: tuple[str, ...], said: str) -> None:
    monkeypatch.delenv("EDGERNN_DATA", raising=False)
    result = invoke("train", *words)
    assert result.exit_code == 2, result.output
    assert said in result.stderr


def test_a_column_of_text_is_refused(invoke, series: Path, tmp_path: Path) -> None:
    words = ("--data", series, "--column", "when", "--out", tmp_path / "run", *TRAIN)
    result = invoke("train", "forecast", *words)
    assert result.exit_code == 2
    assert "line 2: 'd0' in column 'when' is no number, as 120 of its values" in result.stderr
    assert not (tmp_path / "run").exists()


def test_evaluate_refuses_what_is_no_run(invoke, tmp_path: Path) -> None:
    assert invoke("evaluate", tmp_path).exit_code == 2
    assert invoke("evaluate", tmp_path / "none").exit_code == 2
