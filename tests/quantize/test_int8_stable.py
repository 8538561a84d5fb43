"""int8-stable: the same bits however the input is cut, and close to the float32 network."""

from __future__ import annotations

import itertools

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import edgernn
from edgernn.quantize.int8_stable import apply
from edgernn.quantize.request import Request
from edgernn.verify.tolerances import tolerance

from .models import Network, X, exported

SCHEME = "int8-stable"
# No multiple of a vector register's width, so that rows begin anywhere in one.
HIDDEN = 37
LONG = np.random.default_rng(3).normal(size=(3, 24, 24)).astype(np.float32)


@pytest.fixture(scope="module", params=["lstm", "gru", "rnn", "leaky"])
def stream_file(request, tmp_path_factory):
    """A streaming file of each kind of cell, one of them written as a Scan; with its network."""
    folder = tmp_path_factory.mktemp(request.param)
    model, path = exported(folder, request.param, hidden=HIDDEN, layers=2, streaming=True)
    edgernn.quantize(path, folder / "stable.onnx", scheme=SCHEME)
    return model, folder / "stable.onnx"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=24),
    st.integers(1, 3),
    st.sampled_from([1, 2]),
    st.randoms(use_true_random=False),
)
def test_a_stream_gives_the_sequence_to_the_last_bit(stream_file, cuts, rows, threads, random):
    """Whatever the chunks, the number of rows beside a row, its place among them, and the threads."""
    _, path = stream_file
    whole = edgernn.load(path).stream(batch=len(LONG)).push(LONG)
    chosen = random.sample(range(len(LONG)), rows)
    ends = [end for end in itertools.accumulate(cuts) if end < LONG.shape[1]]
    stream = edgernn.load(path, threads=threads).stream(batch=rows)
    parts = [stream.push(part) for part in np.split(LONG[chosen], ends, axis=1)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole[chosen])


def test_it_is_the_network(stream_file):
    model, path = stream_file
    onnx.checker.check_model(str(path), full_check=True)
    assert edgernn.load(path).manifest.scheme == SCHEME
    parity = edgernn.verify(model, path, example_inputs=X)
    assert parity.passed, parity.failures[:2]
    assert parity.max_relative_error > 1e-4, "nothing was rounded"


def test_int8_does_depend_on_chunks(tmp_path):
    """Negative control: the comparison to the last bit fails for a scheme that rounds by the call."""
    torch.manual_seed(0)
    model = Network("lstm", hidden=192).eval()
    edgernn.export(model, tmp_path / "float.onnx", X, streaming=True, check=False)
    edgernn.quantize(tmp_path / "float.onnx", tmp_path / "int8.onnx")
    whole = edgernn.load(tmp_path / "int8.onnx").stream(batch=3).push(LONG)
    stream = edgernn.load(tmp_path / "int8.onnx").stream(batch=3)
    parts = np.concatenate([stream.push(LONG[:, t : t + 1]) for t in range(LONG.shape[1])], axis=1)
    assert (parts != whole).any()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["scan", "loop", "unrolled"])
def test_forms_of_a_cell(tmp_path, form):
    model, path = exported(tmp_path, "gru", recurrence=form)
    edgernn.quantize(path, tmp_path / "stable.onnx", scheme=SCHEME, inline=True)
    graph = ir.load(tmp_path / "stable.onnx")
    assert not graph.functions
    kinds = {node.op_type for node in ir.traversal.RecursiveGraphIterator(graph.graph)}
    assert "MatMulInteger" in kinds
    assert not kinds & {"MatMul", "Gemm"}
    assert edgernn.verify(model, tmp_path / "stable.onnx", example_inputs=X).passed


def recurrent_model(kind: str, direction: str, given: str, attributes: dict) -> ir.Model:
    """One recurrent node; `given` lists which optional inputs it has: bias, lengths, state, peepholes."""
    random = np.random.default_rng(0)
    gates, size, hidden = {"RNN": 1, "GRU": 3, "LSTM": 4}[kind], 20, 24
    directions = 2 if direction == "bidirectional" else 1

    def constant(name, *shape):
        array = random.uniform(-0.4, 0.4, shape).astype(np.float32)
        return ir.val(name, const_value=ir.tensor(array, name=name))

    x = ir.val("x", ir.DataType.FLOAT, ["time", "batch", size])
    lengths = ir.val("lengths", ir.DataType.INT32, ["batch"]) if "lengths" in given else None
    states = [ir.val(name, ir.DataType.FLOAT, [directions, "batch", hidden]) for name in ("h", "c")]
    states = states[: 2 if kind == "LSTM" else 1] if "state" in given else []
    w = constant("w", directions, gates * hidden, size)
    r = constant("r", directions, gates * hidden, hidden)
    b = constant("b", directions, 2 * gates * hidden) if "bias" in given else None
    p = [constant("p", directions, 3 * hidden)] if "peepholes" in given else []
    padded = [*states, *([None] * (2 - len(states)) if p else [])]
    outputs = 3 if kind == "LSTM" else 2
    node = ir.node(
        kind,
        [x, w, r, b, lengths, *padded, *p],
        {"hidden_size": hidden, "direction": direction, **attributes},
        num_outputs=outputs,
        name="layer",
    )
    for value, name, rank in zip(node.outputs, ("y", "h_out", "c_out"), (4, 3, 3), strict=False):
        value.name, value.dtype, value.shape = name, ir.DataType.FLOAT, ir.Shape([None] * rank)
    inputs = [value for value in (x, lengths, *states) if value is not None]
    graph = ir.Graph(
        inputs,
        node.outputs,
        nodes=[node],
        initializers=[value for value in (w, r, b, *p) if value is not None],
        opset_imports={"": 18},
        name="g",
    )
    return ir.Model(graph, ir_version=8)


@pytest.mark.parametrize(
    ("kind", "direction", "given", "attributes"),
    [
        ("LSTM", "bidirectional", "bias lengths", {}),
        ("LSTM", "forward", "bias state peepholes", {}),
        ("GRU", "bidirectional", "bias lengths state", {"linear_before_reset": 1}),
        ("GRU", "forward", "bias", {"linear_before_reset": 0}),
        ("GRU", "reverse", "", {}),
        ("RNN", "reverse", "bias lengths state", {"activations": ["Relu"]}),
        ("RNN", "forward", "bias state", {"activations": ["Sigmoid"]}),
    ],
)
@pytest.mark.parametrize("steps", [None, 1])
def test_what_a_node_may_have(tmp_path, kind, direction, given, attributes, steps):
    """Against onnxruntime's own operator on the float32 weights."""
    feed_steps = steps or 6
    paths = [tmp_path / "float.onnx", tmp_path / "stable.onnx"]
    for path, change in zip(paths, (False, True), strict=True):
        model = recurrent_model(kind, direction, given, attributes)
        if steps:
            model.graph.inputs[0].shape = ir.Shape([1, "batch", 20])
        if change:
            reports = apply(model, Request())
            assert {report.scheme for report in reports if not report.reason} == {SCHEME}
            assert not [node for node in model.graph if node.op_type == kind]
        ir.save(model, path)
    random = np.random.default_rng(1)
    sessions = [onnxruntime.InferenceSession(path) for path in paths]
    feed = {}
    for item in sessions[0].get_inputs():
        shape = [{"time": feed_steps, "batch": 3}.get(dim, dim) for dim in item.shape]
        values = random.uniform(-1, 1, shape).astype(np.float32)
        feed[item.name] = (
            np.array([feed_steps, 1, min(3, feed_steps)], np.int32) if item.name == "lengths" else values
        )
    expected, found = ([*session.run(None, feed)] for session in sessions)
    for wanted, output in zip(expected, found, strict=True):
        assert wanted.shape == output.shape
        assert np.abs(wanted - output).max() <= tolerance("float32", SCHEME) * np.abs(wanted).max()


def test_what_has_no_integer_form_keeps_float_arithmetic(tmp_path):
    model = recurrent_model("LSTM", "forward", "bias", {"input_forget": 1})
    reports = apply(model, Request())
    assert {report.scheme for report in reports if not report.reason} == {"int8"}


@pytest.mark.parametrize("damage", ["scale", "zero point"])
def test_damage_is_noticed(tmp_path, damage):
    """Negative control: verify fails where scales are off by 2, or integers by a zero point."""
    model, path = exported(tmp_path, "gru")
    edgernn.quantize(path, tmp_path / "stable.onnx", scheme=SCHEME)
    damaged = onnx.load(tmp_path / "stable.onnx")
    for tensor in damaged.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if damage == "scale" and tensor.name.endswith("R_scale"):
            tensor.CopyFrom(onnx.numpy_helper.from_array(values * 2, tensor.name))
        if damage == "zero point" and tensor.name.endswith("_int8"):
            shifted = np.clip(values.astype(int) + 10, -128, 127).astype(np.int8)
            tensor.CopyFrom(onnx.numpy_helper.from_array(shifted, tensor.name))
    onnx.save(damaged, tmp_path / "damaged.onnx")
    assert not edgernn.verify(model, tmp_path / "damaged.onnx", example_inputs=X).passed
