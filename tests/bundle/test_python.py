"""The Python bundle runs where nothing but numpy and onnxruntime is, and refuses what it should."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edgernn
from edgernn.verify.report import output_scale
from edgernn.verify.tolerances import ANOTHER_DEVICE, tolerance
from tests.once import made_once

from .conftest import (
    Bundled,
    best_words,
    change_golden,
    change_weights,
    corrupt_model,
    forecast_lines,
    rows_of,
    write_wave,
)

CONSTRAINTS = Path(__file__).parents[2] / "tools" / "constraints.txt"
HIDDEN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of a fresh environment with what the bundle's requirements.txt names."""

    def install(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        wanted = Path(edgernn.__file__).parent / "bundle" / "templates" / "python" / "requirements.txt"
        pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        done = subprocess.run(
            [*pip, "-c", str(CONSTRAINTS), "-r", str(wanted)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    return made_once(tmp_path_factory, "bundle-python", install) / "venv" / "bin" / "python"


def run(python: Path | str, folder: Path, *words: str, input: str = "") -> subprocess.CompletedProcess[str]:
    """Run the bundle's program."""
    environment = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    return subprocess.run(
        [str(python), "-W", "error", "main.py", *words],
        cwd=folder, env=environment, input=input, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_it_runs_without_torch_and_edgernn(
    python: Path, bundled: Bundled, models: dict[str, Path], tmp_path: Path
) -> None:
    for package in ("torch", "edgernn", "onnx"):
        missing = subprocess.run(
            [str(python), "-I", "-c", f"import {package}"], capture_output=True, check=False
        )
        assert missing.returncode == 1
    folder = bundled("python")
    done = run(python, folder, "--check")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("golden vectors pass") == 3
    lines, expected = forecast_lines(models)
    done = run(python, folder, "--model", "forecast", "-", input=lines)
    assert done.returncode == 0, done.stderr
    assert np.abs(rows_of(done.stdout) - expected).max() < ANOTHER_DEVICE * output_scale(expected)
    samples = write_wave(tmp_path / "sound.wav", 8000, 0.5)
    done = run(python, folder, "--model", "spotter", str(tmp_path / "sound.wav"))
    assert done.returncode == 0, done.stderr
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == best_words(models, samples)


@pytest.mark.parametrize("change", [change_golden, change_weights, corrupt_model])
@pytest.mark.parametrize("name", ["spotter", "forecast"])
def test_it_refuses_what_differs(bundled: Bundled, change: Callable[[Path, str], None], name: str) -> None:
    folder = bundled("python")
    change(folder / "models", name)
    done = run(sys.executable, folder, "--model", name, "-")
    assert done.returncode == 1
    assert "refused: " in done.stderr
    assert done.stdout == ""


def test_lines_that_do_not_fit_are_told(bundled: Bundled, tmp_path: Path) -> None:
    folder = bundled("python")
    for text, told in (
        ("1\n", "line 1 holds 1 values"),
        ("1 2\nnan 2\n", "line 2"),
        ("a b\n", "could not convert"),
    ):
        done = run(sys.executable, folder, "--model", "forecast", "-", input=text)
        assert done.returncode == 2
        assert told in done.stderr
    done = run(sys.executable, folder, "--model", "several", "-", input="1 2 3 1.5\n1 2 3 1\n")
    assert "whole numbers" in done.stderr
    write_wave(tmp_path / "fast.wav", 16000, 0.1)
    assert "8000 Hz" in run(sys.executable, folder, "--model", "spotter", str(tmp_path / "fast.wav")).stderr
    assert (
        "no waveform" in run(sys.executable, folder, "--model", "forecast", str(tmp_path / "fast.wav")).stderr
    )


PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from runtime import Model
from streams import SeveralStream
model = Model(Path("models/several"))
first, second = SeveralStream(model), SeveralStream(model)
with np.load(sys.argv[1]) as arrays:
    x, token = arrays["x"], arrays["token"]
kept, found = None, []
for at in range(0, x.shape[1], 2):
    if at == 4:
        kept = first.snapshot()
    outputs = first.push(x[:, at : at + 2], token=token[:, at : at + 2])
    found.append(outputs.hidden)
    assert outputs.class_output.dtype == np.int64
for wrong in (x[:, :1], x[:, :3]):
    try:
        first.push(wrong, token[:, : wrong.shape[1]])
    except ValueError as error:
        assert "takes 2 steps" in str(error) or "shape" in str(error)
    else:
        raise SystemExit("a wrong chunk went through")
second.restore(kept)
again = [second.push(x[:, at : at + 2], token[:, at : at + 2]).hidden for at in range(4, x.shape[1], 2)]
for broken in (kept[:-1], bytes(32) + kept[32:]):
    try:
        first.restore(broken)
    except ValueError:
        pass
    else:
        raise SystemExit("a broken snapshot was taken")
np.savez(sys.argv[2], found=np.concatenate(found, 1), again=np.concatenate(again, 1))
"""


def test_the_class_streams_several_inputs_and_outputs(
    bundled: Bundled, models: dict[str, Path], tmp_path: Path
) -> None:
    folder = bundled("python")
    random = np.random.default_rng(3)
    x = random.standard_normal((1, 10, 3)).astype(np.float32)
    token = random.integers(0, 10, (1, 10))
    np.savez(tmp_path / "in.npz", x=x, token=token)
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "in.npz"), str(tmp_path / "out.npz")]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    stream = edgernn.load(models["several"]).stream()
    pushes = [stream.push(x[:, at : at + 2], token[:, at : at + 2]) for at in range(0, 10, 2)]
    expected = np.concatenate([push["hidden"] for push in pushes if isinstance(push, dict)], axis=1)
    allowed = tolerance("float32", "float32") * output_scale(expected)
    with np.load(tmp_path / "out.npz") as arrays:
        assert np.abs(arrays["found"] - expected).max() <= allowed
        assert np.abs(arrays["again"] - expected[:, 4:]).max() <= allowed


def test_the_code_is_typed(bundled: Bundled) -> None:
    folder = bundled("python")
    words = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--ignore-missing-imports",
        "--cache-dir",
        os.devnull,
        "main.py",
        "streams.py",
    ]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
