"""`edgernn explain` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np


def test_a_forecast_is_explained(invoke, run_folder: Path, tmp_path: Path) -> None:
    result = invoke("explain", run_folder, "--out", tmp_path / "a")
    assert result.exit_code == 0, result.output
    for part in (
        "the run's example",
        "y +1",
        "the mean of the training data",
        "Largest shares",
        "attribution.png",
    ):
        assert part in " ".join(result.stdout.split()), part
    told = json.loads(invoke("explain", run_folder, "--json").stdout)
    assert told["target"] == "y +1"
    assert sum(sum(row) for row in told["values"]) - told["output"] + told["baseline_output"] < 0.1
    (tmp_path / "in.csv").write_text(
        "date,y\n" + "\n".join(f"2024-01-{n + 1:02},{20 + n % 3}" for n in range(9))
    )
    np.save(tmp_path / "in.npy", np.array([[20.0 + n % 3] for n in range(9)]))
    of_table = json.loads(invoke("explain", run_folder, "-i", tmp_path / "in.csv", "--json").stdout)
    of_array = json.loads(invoke("explain", run_folder, "-i", tmp_path / "in.npy", "--json").stdout)
    assert of_table["values"] == of_array["values"]
    assert len(of_table["values"]) == 9


def test_what_cannot_be_explained_is_refused(invoke, run_folder: Path, tmp_path: Path) -> None:
    for words, said in (
        (("explain", tmp_path / "none"), "no folder at"),
        (("explain", run_folder, "-i", tmp_path / "none.csv"), "no file at"),
        (("explain", run_folder, "-i", "some text"), "takes an array"),
        (("explain", run_folder, "--target", "x"), "there are y +1"),
    ):
        result = invoke(*words)
        assert result.exit_code == 2, result.output
        assert said in " ".join(result.stderr.split())
