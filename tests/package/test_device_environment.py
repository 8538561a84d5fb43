"""What a device installs: the wheel, numpy and the oldest supported onnxruntime, without torch.

The fixture builds the wheel and installs it, with its runtime dependencies alone, into a fresh virtual
environment; all tests share it. It needs pip's package index.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
import torch

import edgernn
from edgernn.verify.report import output_scale
from edgernn.verify.tolerances import tolerance
from tests.once import made_once

from .device import (
    BATCH,
    FILES,
    SMALLER_FILES,
    STEPS,
    WIDE,
    Device,
    export_all,
    install,
    make,
    make_smaller,
    make_wide,
)

pytestmark = pytest.mark.slow

ABSENT = ("torch", "onnx", "onnx_ir", "onnxscript", "safetensors", "lightning", "pandas", "matplotlib")


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Device:
    """Installed once, whichever worker of pytest-xdist comes first."""

    def make_device(root: Path) -> None:
        install(root)
        export_all(root)

    root = made_once(tmp_path_factory, "device", make_device)
    (wheel,) = (root / "wheel").glob("edgernn-*.whl")
    return Device(root, wheel)


@pytest.fixture(scope="module")
def found(device: Device, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """What every file gives there, by its name."""
    results = tmp_path_factory.mktemp("found") / "found.npz"
    done = device.run("run_all.py", device.folder, results)
    assert done.returncode == 0, done.stderr
    with np.load(results) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    """What torch gives here."""
    network, x = make()
    with torch.no_grad():
        return network(x).numpy()


def test_it_is_the_wheel_and_the_oldest_onnxruntime(device: Device) -> None:
    versions = "edgernn.__file__, onnxruntime.__version__, numpy.__version__"
    done = device.run("-c", f"import edgernn, onnxruntime, numpy; print({versions})")
    assert done.returncode == 0, done.stderr
    file, onnxruntime, numpy = done.stdout.split()
    assert Path(file).is_relative_to(device.folder / "venv")
    if sys.version_info < (3, 13):
        assert (onnxruntime, numpy.split(".")[0]) == ("1.17.3", "1")


@pytest.mark.parametrize("package", ABSENT)
def test_a_device_has_no(device: Device, package: str) -> None:
    done = device.run("-c", f"import {package}")
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize("name", FILES)
def test_a_file_gives_what_torch_gives(
    device: Device, found: dict[str, np.ndarray], expected: np.ndarray, name: str
) -> None:
    scheme = name.rpartition(".")[2]
    allowed = tolerance("float32", scheme) * output_scale(expected)
    wanted = [item for item in (name, f"again.{name}", f"pool.{name}") if item in found]
    assert len(wanted) == (3 if name.startswith("stream") else 1)
    for item in wanted:
        assert found[item].shape == expected.shape
        assert found[item].dtype == np.float32
        assert np.abs(found[item] - expected).max() <= allowed, item


@pytest.mark.parametrize("name", FILES)
def test_a_file_gives_what_it_gives_here(device: Device, found: dict[str, np.ndarray], name: str) -> None:
    """An old onnxruntime and a new one, so that no quantization error is left in the comparison."""
    _, x = make()
    session = edgernn.load(device.folder / f"{name}.onnx")
    if session.manifest.streaming:
        stream = session.stream(batch=BATCH)
        here = np.concatenate([stream.push(x[:, step : step + 1].numpy()) for step in range(STEPS)], axis=1)
    else:
        here = session.run(x.numpy())
    allowed = tolerance("float32", name.rpartition(".")[2], against_itself=True) * output_scale(here)
    assert np.abs(found[name] - here).max() <= allowed


@pytest.mark.parametrize("name", WIDE)
def test_integer_bodies_give_what_torch_gives(
    device: Device, found: dict[str, np.ndarray], name: str
) -> None:
    """Cut in chunks, again after a reset, and beside another stream in a pool."""
    calls = {node.op_type for node in ir.load(device.folder / f"{name}.int8.onnx").graph}
    assert [call for call in calls if call.startswith(WIDE[name][2])], calls
    with torch.no_grad():
        expected = make_wide(name)(make()[1]).numpy()
    allowed = tolerance("float32", "int8") * output_scale(expected)
    for item in (f"{name}.int8", f"again.{name}.int8", f"pool.{name}.int8"):
        assert np.abs(found[item] - expected).max() <= allowed, item
    assert np.abs(found[f"{name}.int8"] - found[f"{name}.float32"]).max() > 0


def test_the_kernels_run_there(device: Device, library: Path) -> None:
    """One library, built against a newer header, for the oldest onnxruntime too."""
    script = """
import sys, numpy as np, edgernn
x = np.load("x.npy")
for name in sys.argv[2:]:
    session = edgernn.load(f"{name}.onnx", kernels=sys.argv[1])
    assert session.kernels.functions, session.kernels
    y, portable = session.run(x), edgernn.load(f"{name}.onnx", kernels="off").run(x)
    print(name, float(np.abs(y - portable).max() / np.abs(portable).max()), y.tobytes() == portable.tobytes())
"""
    names = ["op.int8", "stream.int8", "stream.int8-stable", "op.int4", "wide_gru.int8", "wide_lstm.int8"]
    done = device.run("-c", script, library, *names)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        name, error, same_bits = line.split()
        assert float(error) < tolerance("float32", "int8"), line
        assert same_bits == "False", f"{name} ran on its body"
    assert len(done.stdout.splitlines()) == len(names)


@pytest.mark.parametrize("name", SMALLER_FILES)
def test_compact_weights_are_restored_there(device: Device, found: dict[str, np.ndarray], name: str) -> None:
    way, _, scheme = name.partition(".")
    functions = {node.op_type.split("_")[0] for node in ir.load(device.folder / f"{name}.onnx").graph}
    assert {"pruned": "Blocks", "low_rank": "LowRank"}[way] in functions
    with torch.no_grad():
        expected = make_smaller(way)(make()[1]).numpy()
    allowed = tolerance("float32", scheme) * output_scale(expected)
    assert np.abs(found[name] - expected).max() <= allowed


@pytest.mark.parametrize("form", ["stream", "scan", "unrolled"])
def test_graphs_in_half_run_there(found: dict[str, np.ndarray], expected: np.ndarray, form: str) -> None:
    error = np.abs(found[f"half.{form}"] - expected).max()
    assert 0 < error <= tolerance("float16", "fp16") * output_scale(expected)


def test_all_forms_of_a_scheme_agree_and_the_schemes_differ(found: dict[str, np.ndarray]) -> None:
    """So that the comparisons above have not read one file for all."""
    float32, int8 = found["op.float32"], found["op.int8"]
    assert np.abs(float32 - int8).max() > tolerance("float32", "float32") * output_scale(float32)
    assert np.abs(found["stream.int8"] - int8).max() < np.abs(float32 - int8).max()


def test_lines_go_through_the_command_line(device: Device, expected: np.ndarray) -> None:
    _, x = make()
    lines = "".join(" ".join(repr(float(value)) for value in row) + "\n" for row in x[0])
    done = device.edgernn("run", "stream.float32.onnx", "-", input=lines)
    assert done.returncode == 0, done.stderr
    answers = np.array(
        [[float(word) for word in line.replace(",", " ").split()] for line in done.stdout.splitlines()]
    )
    assert answers.shape == (STEPS, 2)
    assert np.abs(answers - expected[0]).max() < 1e-4 * output_scale(expected)


def test_inspect_works_there(device: Device) -> None:
    done = device.edgernn("inspect", "stream_of_1.int8.onnx")
    assert done.returncode == 0, done.stderr
    assert "LSTM" in done.stdout
    done = device.edgernn("inspect", "stream_of_1.int8.onnx", "--json")
    manifest = json.loads(done.stdout)
    assert (manifest["chunk"], manifest["scheme"], manifest["streaming"]) == (1, "int8", True)


def test_help_and_doctor_work_there(device: Device) -> None:
    assert device.edgernn("--help").returncode == 0
    done = device.edgernn("doctor", "--json")
    assert done.returncode == 0, done.stderr
    packages = {item["name"]: item for item in json.loads(done.stdout)["packages"]}
    assert packages["torch"]["version"] == ""
    assert "edgernn[export]" in packages["torch"]["install"]


@pytest.mark.parametrize("name", ["export", "quantize", "verify", "Recurrent", "LSTM"])
def test_what_is_missing_names_the_extra(device: Device, name: str) -> None:
    done = device.run("-c", f"import edgernn; edgernn.{name}")
    assert done.returncode == 1
    assert "MissingDependencyError" in done.stderr
    assert "pip install 'edgernn[export]'" in done.stderr


def test_commands_name_the_extra_in_one_line(device: Device) -> None:
    for words in (["export", "a.b:C", "-o", "a.onnx"], ["train", "forecast"], ["quickstart"]):
        done = device.edgernn(*words)
        assert done.returncode == 2, done.stderr
        assert "edgernn[" in done.stderr, (words, done.stderr)
        assert "Traceback" not in done.stderr


def test_the_wheel_holds_what_is_not_code(device: Device) -> None:
    with zipfile.ZipFile(device.wheel) as archive:
        names = set(archive.namelist())
    assert {
        "edgernn/py.typed",
        "edgernn/quickstart/template.html",
        "edgernn/bundle/templates/node/.npmrc",
        "edgernn/bundle/templates/python/main.py",
        "edgernn/bundle/templates/cpp/CMakeLists.txt",
        "edgernn/_recipes/forecast/recipe.py",
        "edgernn/_recipes/forecast/contract.toml",
    } <= names
    assert {"edgernn/kernels/source/CMakeLists.txt", "edgernn/kernels/source/sets/plain.cpp"} <= names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"edgernn"}
    assert not [name for name in names if "__pycache__" in name or "tests/" in name]
