"""A user's own cell goes every way that a cell of edgernn goes."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import edgernn
from edgernn.errors import ExportError

from .forms import TOLERANCE, difference

SCRIPT = Path(__file__).parents[2] / "examples" / "custom_cell.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    """The example, imported; its class statements run, its main does not."""
    spec = importlib.util.spec_from_file_location("custom_cell", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_example_runs_as_it_says(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-W", "error", str(SCRIPT), str(tmp_path)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, *forms, last = done.stdout.splitlines()
    assert int(re.search(r"trained: (\d+)%", first)[1]) > 85
    assert [line.split()[0] for line in forms] == [
        f"{form}{kind}.onnx" for form in ("scan", "loop", "unrolled") for kind in ("", "-streaming")
    ]
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(line.split()[0] for line in forms)
    assert float(last.rpartition(" ")[2]) < 1e-4


def test_the_cell_streams_as_it_runs_in_torch(example: ModuleType, tmp_path: Path) -> None:
    network = example.Network()
    path = tmp_path / "model.onnx"
    manifest = edgernn.export(network, path, torch.randn(1, 5, 1), streaming=True)
    assert {layer.recurrence for layer in manifest.layers} == {"scan"}  # what `auto` takes for it
    assert {layer.cell for layer in manifest.layers} == {"LeakyCell"}
    x = torch.randn(2, 9, 1)
    stream = edgernn.load(path).stream(2)
    found = np.concatenate([stream.push(part.numpy()) for part in x.split([1, 4, 2, 2], dim=1)], axis=1)
    with torch.no_grad():
        assert difference(found, network(x).numpy()) <= TOLERANCE


def test_there_is_no_operator_for_it(example: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"'recurrent.l0' cannot be written as 'op'.*LeakyCell"):
        edgernn.export(example.Network(), tmp_path / "model.onnx", torch.randn(1, 5, 1), recurrence="op")
    assert not list(tmp_path.iterdir())
