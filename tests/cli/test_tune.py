"""tune."""

from __future__ import annotations

import json
from pathlib import Path

import edgernn

WORDS = ("--example", "1x8x3", "--recurrence", "op", "--scheme", "float32", "--threads", 1, "--rounds", 1)


def test_tune_says_what_it_chose_and_how_to_load_it(invoke, tmp_path: Path) -> None:
    result = invoke("tune", "my_models:Net", "-o", tmp_path / "tuned", *WORDS)
    assert result.exit_code == 0, result.stderr
    assert f"Wrote {tmp_path / 'tuned' / 'model.onnx'}" in result.stdout
    assert "edgernn.load(" in result.stdout
    assert "Not beaten" in result.stdout
    assert edgernn.load(tmp_path / "tuned" / "model.onnx").manifest.streaming


def test_tune_as_json_and_again(invoke, tmp_path: Path) -> None:
    words = ("tune", "my_models:Net", "-o", tmp_path / "tuned", *WORDS, "--chunk", 2, "--json")
    first, second = (json.loads(invoke(*words).stdout) for _ in range(2))
    assert first["files"] == second["files"]
    assert {trial["steps"] for trial in first["trials"]} == {2}


def test_tune_needs_an_example_of_an_import_path(invoke, tmp_path: Path) -> None:
    result = invoke("tune", "my_models:Net", "-o", tmp_path / "tuned")
    assert result.exit_code == 2
    assert "--example" in result.stderr
