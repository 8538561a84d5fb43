"""`edgernn quantize --budget`, with a run folder's own score and with given labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import edgernn


@pytest.fixture(scope="module")
def run_and_file(series: Path, tmp_path_factory) -> tuple[Path, Path]:
    """A run with a layer that is large enough to quantize, and its file."""
    from edgernn.training import load_run, train

    folder = tmp_path_factory.mktemp("budget")
    options = {"column": "y", "window": 12, "hidden_size": 16, "max_epochs": 2, "season": 6}
    train("forecast", data=series, options=options, out=folder / "run", quiet=True)
    run = load_run(folder / "run")
    edgernn.export(run.model, folder / "float.onnx", run.example_inputs(), check=False)
    return folder / "run", folder / "float.onnx"


def test_the_score_of_the_recipe(invoke, run_and_file, tmp_path):
    run, file = run_and_file
    rmse = json.loads((run / "config.json").read_text("utf-8"))["scores"]["rmse"]
    out = tmp_path / "small.onnx"
    words = ("quantize", file, "-o", out, "--source", run, "--report", tmp_path / "report")
    result = invoke(*words, "--budget", f"rmse<={rmse * 1.05}", "--json")
    assert result.exit_code == 0, result.output
    choice = json.loads(result.stdout)["choice"]
    # The file in place of the network's forward: the recipe scores it as it scored the network.
    assert choice["float32"] == pytest.approx(rmse, rel=1e-4)
    assert rmse * 0.5 < choice["value"] <= rmse * 1.05
    assert choice["value"] != choice["float32"]
    # Errors are measured on the training part, not on what the score is for.
    assert json.loads(result.stdout)["error"]["data"] == "given data of shape (64, 12, 1)"
    assert (tmp_path / "report" / "report.html").is_file()
    shown = invoke(*words, "--budget", f"rmse<={rmse * 1.05}").stdout
    assert "Each layer quantized alone" in shown
    assert "the smallest of all" in shown
    out.unlink()
    result = invoke(*words, "--budget", f"rmse<={rmse * 0.5}")
    assert result.exit_code == 2
    assert "even the float32 file has rmse" in result.stderr
    assert not out.exists()


def test_a_file_that_gives_something_else_is_not_scored(invoke, run_and_file, tmp_path):
    from edgernn.training import load_run

    folder, _ = run_and_file
    run = load_run(folder)
    file = tmp_path / "stream.onnx"
    edgernn.export(run.model, file, run.example_inputs(), streaming=True, chunk=3, check=False)
    words = ("quantize", file, "-o", tmp_path / "s.onnx", "--source", folder, "--budget", "rmse<=9")
    result = invoke(*words)
    assert result.exit_code == 2
    assert "Score the sequence file of the same network" in " ".join(result.stderr.split())


def test_given_labels(invoke, run_and_file, tmp_path):
    _, file = run_and_file
    x = np.random.default_rng(0).normal(20, 3, (8, 12, 1)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", edgernn.load(file).run(x) + 1)
    words = ("quantize", file, "-o", tmp_path / "s.onnx", "--data", tmp_path / "x.npy")
    result = invoke(*words, "--target", tmp_path / "y.npy", "--budget", "mae<=1.5", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["choice"]["float32"] == pytest.approx(1, rel=1e-3)
    result = invoke(*words, "--budget", "mae<=1.5")
    assert result.exit_code == 2
    assert "needs labelled data" in result.stderr


def test_calibrate_is_an_option_of_the_scheme(invoke, run_and_file, tmp_path):
    _, file = run_and_file
    result = invoke("quantize", file, "-o", tmp_path / "s.onnx", "--calibrate", "entropy")
    assert result.exit_code == 2
    assert "scheme int8 has no option 'calibrate'" in result.stderr
    result = invoke("quantize", file, "-o", tmp_path / "s.onnx", "--scheme", "int8-static")
    assert result.exit_code == 2
    assert "--recurrence unrolled --length N" in " ".join(result.stderr.split())
