"""Small models written with onnx.helper, so that the runtime is tested without torch or the exporter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgernn.manifest import Manifest, StateSpec, TensorSpec
from edgernn.runtime import Session, load

GATES = {"GRU": 3, "LSTM": 4}
STATES = {"GRU": ["h"], "LSTM": ["h", "c"]}
ONNX_TYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "float16": TensorProto.FLOAT16}

Save = Callable[..., Path]


def value_info(name, dims, dtype="float32"):
    return helper.make_tensor_value_info(name, ONNX_TYPES[dtype], list(dims))


def write(
    path: Path, nodes, constants, manifest: Manifest, change=None, graph_dims=None, metadata=True
) -> Path:
    """An ONNX file whose graph has the tensors of `manifest`; `change` alters the manifest it holds."""
    graph_dims = graph_dims or {}
    tensors_in = [(spec.name, spec.dims, spec.dtype) for spec in manifest.inputs]
    tensors_in += [(state.input, state.dims, state.dtype) for state in manifest.states]
    tensors_out = [(spec.name, spec.dims, spec.dtype) for spec in manifest.outputs]
    tensors_out += [(state.output, state.dims, state.dtype) for state in manifest.states]
    graph = helper.make_graph(
        nodes,
        "test",
        [value_info(name, graph_dims.get(name, dims), dtype) for name, dims, dtype in tensors_in],
        [value_info(name, graph_dims.get(name, dims), dtype) for name, dims, dtype in tensors_out],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if metadata:
        text = (change(manifest) if change else manifest).to_json()
        helper.set_model_props(model, {"author": "test", "edgernn": text})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def write_recurrent(
    folder: Path,
    cell="GRU",
    *,
    hidden=5,
    features=3,
    streaming=True,
    chunk=None,
    initial=0.0,
    seed=0,
    name=None,
    **options,
) -> Path:
    """Write GRU or LSTM + linear head."""
    random = np.random.default_rng(seed)

    def weights(*shape):
        return random.uniform(-0.8, 0.8, shape).astype(np.float32)

    states = STATES[cell]
    constants = {
        "W": weights(1, GATES[cell] * hidden, features),
        "R": weights(1, GATES[cell] * hidden, hidden),
        "B": weights(1, 2 * GATES[cell] * hidden),
        "head": weights(hidden, 2),
        "axis": np.array([1], np.int64),
    }
    extra = {"linear_before_reset": 1} if cell == "GRU" else {}
    inputs = ["time_first", "W", "R", "B"] + (["", *states] if streaming else [])
    outputs = ["all"] + [f"{state}_out" for state in states if streaming]
    nodes = [
        helper.make_node("Transpose", ["x"], ["time_first"], perm=[1, 0, 2]),
        helper.make_node(cell, inputs, outputs, hidden_size=hidden, **extra),
        helper.make_node("Squeeze", ["all", "axis"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "head"], ["scores"]),
        helper.make_node("Transpose", ["scores"], ["y"], perm=[1, 0, 2]),
    ]
    time = chunk or "time"
    manifest = Manifest(
        inputs=(TensorSpec("x", "float32", ("batch", time, features), time_dim=1),),
        outputs=(TensorSpec("y", "float32", ("batch", time, 2), time_dim=1),),
        recurrence="op",
        streaming=streaming,
        chunk=chunk,
        states=tuple(
            StateSpec(state, f"{state}_out", "float32", (1, "batch", hidden), initial)
            for state in states
            if streaming
        ),
    )
    path = folder / (name or f"{cell}-{hidden}-{features}-{streaming}-{chunk}-{seed}.onnx")
    return write(path, nodes, constants, manifest, **options)


@pytest.fixture
def recurrent(tmp_path) -> Save:
    """A function that writes GRU or LSTM + linear head, streaming or not, and gives the path."""
    return partial(write_recurrent, tmp_path)


@pytest.fixture(scope="session")
def lstm_session(tmp_path_factory) -> Session:
    """A streaming LSTM, loaded; never changed by a test."""
    return load(write_recurrent(tmp_path_factory.mktemp("lstm"), "LSTM", initial=0.25))


@pytest.fixture
def time_first(tmp_path) -> Save:
    """A function that writes a model whose batch is the second dimension of x (time, batch, 2) and y.

    y = x · gain + the sum of x · gain before the chunk; `last` is the last x of the chunk before.
    """

    def save() -> Path:
        constants = {
            name: np.array([value], np.int64)
            for name, value in {"zero": 0, "one": 1, "two": 2, "minus_one": -1, "end": 2**60}.items()
        }
        nodes = [
            helper.make_node("Mul", ["x", "gain"], ["scaled"]),
            helper.make_node("Slice", ["memory", "zero", "one", "zero"], ["total"]),
            helper.make_node("Slice", ["memory", "one", "two", "zero"], ["before"]),
            helper.make_node("Add", ["scaled", "total"], ["y"]),
            helper.make_node("Squeeze", ["before", "zero"], ["last"]),
            helper.make_node("ReduceSum", ["scaled", "zero"], ["added"], keepdims=1),
            helper.make_node("Add", ["total", "added"], ["new_total"]),
            helper.make_node("Slice", ["x", "minus_one", "end", "zero"], ["new_last"]),
            helper.make_node("Concat", ["new_total", "new_last"], ["memory_out"], axis=0),
        ]
        manifest = Manifest(
            inputs=(
                TensorSpec("x", "float32", ("time", "batch", 2), time_dim=0),
                TensorSpec("gain", "float32", ("batch", 2)),
            ),
            outputs=(
                TensorSpec("y", "float32", ("time", "batch", 2), time_dim=0),
                TensorSpec("last", "float32", ("batch", 2)),
            ),
            streaming=True,
            states=(StateSpec("memory", "memory_out", "float32", (2, "batch", 2)),),
        )
        return write(tmp_path / "time_first.onnx", nodes, constants, manifest)

    return save


@pytest.fixture
def counter(tmp_path) -> Save:
    """A function that writes a model with two inputs, two outputs, a hop of 2 and an int64 state.

    y[:, i] = x[:, 2 i] · gain + the number of steps before the chunk; `positions` are the places where x > 0,
    as many as there are (left out with positions=False).
    """

    def save(positions=True, **options) -> Path:
        constants = {
            "start": np.array([0], np.int64),
            "end": np.array([2**60], np.int64),
            "axis": np.array([1], np.int64),
            "two": np.array([2], np.int64),
            "zero": np.array(0, np.float32),
        }
        nodes = [
            helper.make_node("Slice", ["x", "start", "end", "axis", "two"], ["halved"]),
            helper.make_node("Unsqueeze", ["gain", "axis"], ["gain_by_step"]),
            helper.make_node("Mul", ["halved", "gain_by_step"], ["scaled"]),
            helper.make_node("Cast", ["steps"], ["steps_float"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["steps_float", "axis"], ["steps_by_step"]),
            helper.make_node("Add", ["scaled", "steps_by_step"], ["y"]),
            helper.make_node("Greater", ["x", "zero"], ["positive"]),
            helper.make_node("NonZero", ["positive"], ["positions"]),
            helper.make_node("Shape", ["x"], ["length"], start=1, end=2),
            helper.make_node("Add", ["steps", "length"], ["steps_out"]),
        ]
        outputs = (
            TensorSpec("y", "float32", ("batch", "time", 1), time_dim=1, hop=2),
            TensorSpec("positions", "int64", (3, "count")),
        )
        manifest = Manifest(
            inputs=(
                TensorSpec("x", "float32", ("batch", "time", 1), time_dim=1),
                TensorSpec("gain", "float32", ("batch", 1)),
            ),
            outputs=outputs if positions else outputs[:1],
            streaming=True,
            hop=2,
            states=(StateSpec("steps", "steps_out", "int64", ("batch", 1)),),
        )
        # In the graph the output's time has a name of its own: it is half the input's.
        return write(
            tmp_path / "counter.onnx",
            nodes,
            constants,
            manifest,
            graph_dims={"y": ("batch", "half", 1)},
            **options,
        )

    return save
