"""`edgernn bundle` as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

import edgernn
from edgernn.cli.app import build_app
from edgernn.cli.completion import targets


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small streaming file."""
    path = tmp_path_factory.mktemp("bundle") / "tiny.onnx"
    module = nn.GRU(2, 3, batch_first=True).eval()
    edgernn.export(module, path, torch.randn(1, 4, 2), streaming=True, check=False)
    return path


def test_it_writes_an_app_and_says_what_comes_next(model: Path, tmp_path: Path) -> None:
    words = ["bundle", str(model), "--target", "python", "-o", str(tmp_path / "app"), "--report"]
    done = CliRunner().invoke(build_app(), words)
    assert done.exit_code == 0, done.output
    for told in ("Wrote", "onnxruntime (pip)", "models/tiny/model.onnx", "main.py --check", "Next:"):
        assert told in done.output
    checked = subprocess.run(
        [sys.executable, "main.py", "--check"],
        cwd=tmp_path / "app",
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_json_is_the_report(model: Path, tmp_path: Path) -> None:
    words = [
        "bundle",
        str(model),
        "--target",
        "node",
        "-o",
        str(tmp_path / "app"),
        "--format",
        "ort",
        "--json",
    ]
    done = CliRunner().invoke(build_app(), words)
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["target"], report["models"]) == ("node", ["tiny"])
    assert "GRU" in report["operators"]
    assert report["files"]["models/tiny/model.ort"] == (tmp_path / "app/models/tiny/model.ort").stat().st_size
    config = (tmp_path / "app/models/tiny/required_operators.config").read_text()
    assert "ai.onnx;14;GRU" in config.replace("Add,", "")
    assert str(tmp_path) not in config


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--target", "noed"], "Did you mean 'node'"),
        (["--target", "cpp", "--format", "tflite"], "format: 'tflite' is unknown"),
    ],
)
def test_wrong_use_exits_with_2(model: Path, tmp_path: Path, words: list[str], told: str) -> None:
    done = CliRunner().invoke(build_app(), ["bundle", str(model), "-o", str(tmp_path / "app"), *words])
    assert done.exit_code == 2
    assert told in done.output
    assert not (tmp_path / "app").exists()


def test_the_shell_offers_the_targets() -> None:
    assert targets("") == ["android", "cpp", "ios", "node", "python", "triton", "web"]
    assert targets("c") == ["cpp"]
