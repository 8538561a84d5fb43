"""The models that bundles are made of, and bundles, each made once; ways to break them."""

from __future__ import annotations

import hashlib
import json
import shutil
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

import edgernn
from edgernn.manifest import METADATA_KEY
from tests.once import made_once

from .networks import NAMES, export_all

Bundled = Callable[[str], Path]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three streaming files by name."""
    folder = made_once(tmp_path_factory, "bundle-models", export_all)
    return {name: folder / f"{name}.onnx" for name in NAMES}


@pytest.fixture(scope="session")
def ort_definitions(header: Path) -> list[str]:
    """Where onnxruntime's header and library are, for CMake."""
    if shutil.which("cmake") is None or shutil.which("g++") is None:
        pytest.skip("needs cmake and g++, which are Debian packages of these names")
    (library,) = (Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.1.*")
    return [f"-DORT_INCLUDE={header}", f"-DORT_LIB={library}"]


@pytest.fixture
def bundled(models: dict[str, Path], tmp_path: Path) -> Bundled:
    """Makes a bundle of all three models for a target; each test has its own to break."""

    def make(target: str) -> Path:
        folder = tmp_path / target
        edgernn.bundle(list(models.values()), folder, target=target)
        return folder

    return make


def rewritten(source: Path, target: Path, change: Callable[[onnx.ModelProto, dict[str, Any]], None]) -> Path:
    """A copy of a model file with its graph and its manifest changed."""
    model = onnx.load(source)
    (entry,) = [item for item in model.metadata_props if item.key == METADATA_KEY]
    manifest = json.loads(entry.value)
    change(model, manifest)
    entry.value = json.dumps(manifest)
    onnx.save(model, target)
    return target


def change_golden(place: Path, name: str) -> None:
    """Move one expected value by far less than a person would see, and more than is allowed."""
    path = place / name / "golden.json"
    golden = json.loads(path.read_text())
    pushes = [call for call in golden["calls"] if call["op"] == "push"]
    pushes[-1]["outputs"][0][0] += 2 * golden["allowed"][0]
    path.write_text(json.dumps(golden))


def change_weights(place: Path, name: str) -> None:
    """Change recurrent weights by a tenth, and the digest everywhere, so that only the outputs tell."""
    folder = place / name
    model = onnx.load(folder / "model.onnx")
    (weight, *_) = [
        item
        for node in model.graph.node
        if node.op_type in ("GRU", "LSTM")
        for item in model.graph.initializer
        if item.name == node.input[2]
    ]
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * np.float32(1.1), weight.name))
    replace_model(folder, model.SerializeToString())


def replace_model(folder: Path, data: bytes) -> None:
    """Another model under the name of the first, its digest included."""
    old = json.loads((folder / "model.json").read_text())["sha256"]
    new = hashlib.sha256(data).hexdigest()
    (folder / "model.onnx").write_bytes(data)
    for name in ("model.json", "golden.json"):
        path = folder / name
        path.write_text(path.read_text().replace(old, new))
    initial = (folder / "initial.bin").read_bytes()
    (folder / "initial.bin").write_bytes(bytes.fromhex(new) + initial[32:])
    for source in folder.parents[1].glob("streams.*"):
        source.write_text(source.read_text().replace(old, new))


def corrupt_model(place: Path, name: str) -> None:
    """Flip one bit of a weight: only the digest, or the outputs, can tell."""
    path = place / name / "model.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def write_wave(path: Path, rate: int, seconds: float) -> np.ndarray:
    """A recording of noise in two channels; the samples that a model should see."""
    data = np.random.default_rng(0).integers(-9000, 9000, (int(rate * seconds), 2)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(data.tobytes())
    return data.astype(np.float32).mean(axis=1) / np.float32(32768)


def rows_of(text: str) -> np.ndarray:
    """Lines of numbers."""
    return np.array([[float(cell) for cell in line.split()] for line in text.splitlines()])


def forecast_lines(models: dict[str, Path]) -> tuple[str, np.ndarray]:
    """Lines for the forecaster, and what edgernn answers."""
    x = np.random.default_rng(1).standard_normal((1, 9, 2)).astype(np.float32)
    lines = "".join(",".join(repr(float(value)) for value in row) + "\n" for row in x[0])
    return lines, np.asarray(edgernn.load(models["forecast"]).stream().push(x))[0]


def best_words(models: dict[str, Path], samples: np.ndarray) -> list[str]:
    """What the spotter hears in each step, silence after the end included, as edgernn answers."""
    session = edgernn.load(models["spotter"])
    padded = np.pad(samples, (0, -len(samples) % 160))
    scores = np.asarray(session.stream().push(padded[None]))[0]
    return [session.manifest.labels[best] for best in scores[session.outputs[0].delay :].argmax(-1)]


def link(folder: Path, packages: Path) -> None:
    """The npm packages of the tests in place of `npm install`."""
    shutil.rmtree(folder / "node_modules", ignore_errors=True)
    (folder / "node_modules").symlink_to(packages / "node_modules", target_is_directory=True)
