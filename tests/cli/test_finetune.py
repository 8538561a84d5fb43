"""finetune, and what training shows of itself."""

from __future__ import annotations

import json
from pathlib import Path


def test_finetuning_shows_both_data_before_and_after(
    invoke, run_folder: Path, series: Path, tmp_path: Path
) -> None:
    words = ("finetune", "forecast", "--from", run_folder, "--data", series, "--set", "column=y")
    result = invoke(*words, "--out", tmp_path / "a", "--epochs", 1, "--freeze", "recurrent.*")
    assert result.exit_code == 0, result.output
    began = f"Began from {run_folder}"
    for part in (began, "On the new data", "On the old data", "before", "after", "rmse", "edgernn export"):
        assert part in result.stdout, part
    told = json.loads(invoke(*words, "--out", tmp_path / "b", "--epochs", 1, "--json").stdout)
    assert told["training"]["scores_before"]["rmse"] > 0
    assert told["old_before"]["rmse"] > 0
    assert told["parent"] == str(run_folder)


def test_what_is_no_run_is_refused(invoke, tmp_path: Path) -> None:
    result = invoke("finetune", "forecast", "--from", tmp_path / "none")
    assert result.exit_code == 2
    assert "no folder at" in result.stderr


def test_training_shows_its_profile(invoke, tmp_path: Path) -> None:
    words = ("train", "forecast", "--epochs", 1, "--out", tmp_path / "run", "--profile", "--gradient-flow")
    result = invoke(*words, "--optimizer", "sgd", "--schedule", "cosine")
    assert result.exit_code == 0, result.output
    for part in ("forward and loss", "backward", "optimiser", "Slowest operators", "trace.json.gz"):
        assert part in result.stdout, part
    assert (tmp_path / "run" / "gradient_flow.json").is_file()
