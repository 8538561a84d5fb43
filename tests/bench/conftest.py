"""Small files with manifests, written with onnx.helper: the bench is tested without the exporter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgernn.manifest import METADATA_KEY, Manifest, StateSpec, TensorSpec

FEATURES, HIDDEN = 3, 5


def write_gru(
    path: Path,
    *,
    seed: int = 0,
    streaming: bool = True,
    chunk: int | None = None,
    batch: int | str = "batch",
    sample_rate: float | None = None,
    scheme: str = "float32",
    manifest: bool = True,
) -> Path:
    """A GRU from 3 features to 5; `manifest=False` leaves a plain ONNX file."""
    random = np.random.default_rng(seed)
    constants = {
        "W": random.uniform(-0.8, 0.8, (1, 3 * HIDDEN, FEATURES)).astype(np.float32),
        "R": random.uniform(-0.8, 0.8, (1, 3 * HIDDEN, HIDDEN)).astype(np.float32),
        "axis": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Transpose", ["x"], ["x_first"], perm=[1, 0, 2]),
        helper.make_node(
            "GRU",
            ["x_first", "W", "R", *(["", "", "h_in"] if streaming else [])],
            ["all", *(["h_out"] if streaming else [])],
            hidden_size=HIDDEN,
            linear_before_reset=1,
        ),
        helper.make_node("Squeeze", ["all", "axis"], ["hidden"]),
        helper.make_node("Transpose", ["hidden"], ["y"], perm=[1, 0, 2]),
    ]
    x, y, h = (batch, chunk or "time", FEATURES), (batch, chunk or "time", HIDDEN), (1, batch, HIDDEN)
    states = ("h_in", "h_out") if streaming else ()

    def value(name, dims):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)

    graph = helper.make_graph(
        nodes,
        "gru",
        [value("x", x), *(value(name, h) for name in states[:1])],
        [value("y", y), *(value(name, h) for name in states[1:])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if manifest:
        described = Manifest(
            inputs=(TensorSpec("x", "float32", x, time_dim=1),),
            outputs=(TensorSpec("y", "float32", y, time_dim=1),),
            recurrence="op",
            streaming=streaming,
            states=(StateSpec("h_in", "h_out", "float32", h, layer="gru.l0", name="h"),) if streaming else (),
            chunk=chunk,
            sample_rate=sample_rate,
            scheme=scheme,
        )
        helper.set_model_props(model, {METADATA_KEY: described.to_json()})
    onnx.save(model, path)
    return path


@pytest.fixture
def gru(tmp_path):
    """A function that writes a GRU and gives the path; further names make further files."""

    def write(name="gru.onnx", **options):
        return write_gru(tmp_path / name, **options)

    return write


class FakeClock:
    """A clock that stands still but for what a contender takes."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
