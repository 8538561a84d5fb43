"""Folders of files: scored once, gone on with, told where one fails; with Ray as without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import edgernn


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five inputs of different length, one in a folder below, one a table."""
    random = np.random.default_rng(0)
    (tmp_path / "in" / "below").mkdir(parents=True)
    for number in range(3):
        np.save(tmp_path / "in" / f"{number}.npy", random.normal(size=(4 + number, 3)).astype(np.float32))
    np.save(tmp_path / "in" / "below" / "0.npy", random.normal(size=(2, 3)).astype(np.float32))
    np.savetxt(tmp_path / "in" / "table.csv", random.normal(size=(5, 3)), delimiter=",")
    (tmp_path / "in" / "notes.txt").write_text("not an input")
    return tmp_path / "in"


def check(model: Path, folder: Path, output: Path) -> None:
    """Every output is what the model gives for its input."""
    session = edgernn.load(model)
    names = sorted(path.relative_to(output) for path in output.rglob("*.npy"))
    assert [str(name) for name in names] == ["0.npy", "1.npy", "2.npy", "below/0.npy", "table.npy"]
    for name in names:
        source = folder / name
        x = np.load(source) if source.exists() else np.loadtxt(source.with_suffix(".csv"), delimiter=",")
        wanted = session.run(x[None].astype(np.float32))
        np.testing.assert_allclose(np.load(output / name), wanted, atol=1e-6)


@pytest.mark.parametrize("kind", ["streaming", "sequence"])
def test_a_folder_is_scored_and_gone_on_with(
    invoke, request, folder: Path, tmp_path: Path, kind: str
) -> None:
    model, output = request.getfixturevalue(kind), tmp_path / "out"
    result = invoke("run", model, folder, "-o", output, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {
        "folder": str(output), "scored": 5, "already_there": 0, "failed": []
    }  # fmt: skip
    check(model, folder, output)
    # What a run that was stopped left: one output missing, one input changed since.
    (output / "1.npy").unlink()
    np.save(folder / "2.npy", np.ones((6, 3), np.float32))
    os.utime(folder / "2.npy", ns=(2**62, 2**62))
    kept = (output / "0.npy").stat().st_mtime_ns
    result = invoke("run", model, folder, "-o", output)
    assert "2 files scored" in result.stdout
    assert "3 were there already" in result.stdout
    assert (output / "0.npy").stat().st_mtime_ns == kept
    check(model, folder, output)


def test_a_bad_file_is_told_and_the_others_are_done(
    invoke, streaming: Path, folder: Path, tmp_path: Path
) -> None:
    np.save(folder / "1.npy", np.ones((4, 7), np.float32))
    (folder / "2.npy").write_bytes(b"rubbish")
    result = invoke("run", streaming, folder, "-o", tmp_path / "out", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["scored"] == 3
    reasons = {Path(item["source"]).name: item["error"] for item in found["failed"]}
    assert "dimension 2 must be 3, found 7" in reasons["1.npy"]
    assert "no .npy file of numbers" in reasons["2.npy"]
    assert not (tmp_path / "out" / "1.npy").exists()
    assert "1.npy" in invoke("run", streaming, folder, "-o", tmp_path / "out").stdout


def test_outputs_of_another_model_are_not_mixed(
    invoke, streaming: Path, sequence: Path, folder: Path, tmp_path: Path
) -> None:
    assert invoke("run", streaming, folder, "-o", tmp_path / "out").exit_code == 0
    for words in (("run", sequence, folder), ("run", streaming, folder, "--nan", "allow")):
        result = invoke(*words, "-o", tmp_path / "out")
        assert result.exit_code == 2
        assert "holds outputs of another model or other options" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("{folder}",), "a folder of inputs needs a folder for the outputs"),
        (
            ("{folder}", "-o", "{out}", "--engine", "spark"),
            "engine: 'spark' is unknown; use one of local, ray",
        ),
        (("{folder}", "-o", "{out}", "--workers", "2"), "the engine local is one process"),
        (("{folder}", "-o", "{out}", "--workers", "0"), "workers: expected a whole number from 1"),
        (("{folder}/0.npy", "--engine", "ray"), "work through a folder"),
        (("{folder}", "-o", "{out}", "--save-state", "x"), "are for one stream"),
        (("{empty}", "-o", "{out}"), "no .npy or .csv or .inkml file below"),
    ],
)
def test_refusals(
    invoke, streaming: Path, folder: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"folder": folder, "out": tmp_path / "out", "empty": tmp_path / "empty"}
    result = invoke("run", streaming, *(word.format(**places) for word in words))
    assert result.exit_code == 2, result.output
    assert said in result.stderr


def test_two_inputs_for_one_output(invoke, streaming: Path, folder: Path, tmp_path: Path) -> None:
    np.savetxt(folder / "0.csv", np.ones((2, 3)), delimiter=",")
    result = invoke("run", streaming, folder, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "would both be written to" in result.stderr


@pytest.mark.slow
def test_ray_does_the_same(streaming: Path, folder: Path, tmp_path: Path) -> None:
    """In a process of its own: Ray leaves warnings and threads behind."""
    np.save(folder / "bad.npy", np.ones((4, 7), np.float32))
    words = ["run", streaming, folder, "-o", tmp_path / "out", "--engine", "ray", "--workers", "2", "--json"]
    command = [sys.executable, "-m", "edgernn.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["scored"] == 5
    assert [Path(item["source"]).name for item in found["failed"]] == ["bad.npy"]
    assert "dimension 2 must be 3, found 7" in found["failed"][0]["error"]
    check(streaming, folder, tmp_path / "out")
    assert "Traceback" not in done.stderr
    (folder / "bad.npy").unlink()
    (tmp_path / "out" / "0.npy").unlink()
    again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (again.returncode, json.loads(again.stdout)["scored"]) == (0, 1)
    check(streaming, folder, tmp_path / "out")
