"""finetune, and what training shows of itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


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


@pytest.mark.slow
def test_a_smaller_network_shows_its_cost_and_its_files(invoke, tmp_path: Path) -> None:
    words = ("train", "forecast", "--epochs", 1, "--set", "hidden_size=64", "--out", tmp_path / "run")
    assert invoke(*words).exit_code == 0
    words = ("finetune", "forecast", "--from", tmp_path / "run", "--epochs", 1)
    result = invoke(*words, "--prune", 0.6, "--out", tmp_path / "a")
    assert result.exit_code == 0, result.output
    for part in ("made smaller", "60% zero, in blocks of 1 × 16", "numbers kept", "int8", "share"):
        assert part in result.stdout, part
    result = invoke(*words, "--low-rank", 0.25, "--out", tmp_path / "b", "--json")
    told = json.loads(result.stdout)
    assert told["training"]["compression"]["weights"][0]["how"] == "rank 16 of 64"
    for before, after in told["file_bytes"].values():
        assert after < 0.7 * before


def test_compression_that_is_refused(invoke, run_folder: Path, series: Path, tmp_path: Path) -> None:
    words = ("finetune", "forecast", "--from", run_folder, "--data", series, "--set", "column=y")
    for options, said in (
        (("--prune", 0.5, "--prune-block", "16"), "write e.g. 1x16"),
        (("--prune-block", "1x16"), "give that too, e.g. --prune 0.5"),
        (("--prune", 2), "must be a share of 0 to below 1"),
        (("--prune", 0.5), "no weight of the network becomes smaller"),
    ):
        result = invoke(*words, "--out", tmp_path / "a", *options)
        assert result.exit_code == 2, result.output
        assert said in " ".join(result.stderr.split())
        assert not (tmp_path / "a").exists()


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


def test_adapters_say_how_much_they_train(invoke, series: Path, tmp_path: Path) -> None:
    words = ("train", "forecast", "--data", series, "--set", "column=y", "--set", "hidden_size=24")
    assert invoke(*words, "--epochs", 1, "--out", tmp_path / "run").exit_code == 0
    words = ("finetune", "forecast", "--from", tmp_path / "run", "--data", series, "--set", "column=y")
    result = invoke(*words, "--out", tmp_path / "a", "--epochs", 2, "--adapters", 2, "--adapter-scale", 1)
    assert result.exit_code == 0, result.output
    # Factors of the recurrent matrix, (96, 24); the input matrix has one column. A head of 25 numbers.
    assert f"Trained {2 * (96 + 24) + 25:,} of {96 * 25 + 192 + 25:,} numbers" in result.stdout
    result = invoke(*words, "--out", tmp_path / "b", "--epochs", 2, "--unfreeze-every", 1)
    assert result.exit_code == 0, result.output
    assert "Trained" not in result.stdout
    result = invoke(*words, "--out", tmp_path / "c", "--adapters", 80)
    assert result.exit_code == 2
    assert "Choose a smaller rank" in " ".join(result.stderr.split())
