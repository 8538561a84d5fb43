"""int8: what it stores, what it computes, what it says."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
import torch
from torch import nn

import edgernn
from edgernn.errors import InputError, ModelError, QuantizationError
from edgernn.quantize import scheme_names
from edgernn.quantize.weights import round_int8
from edgernn.verify.tolerances import tolerance

from .models import X, exported


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("options", [{}, {"streaming": True}, {"layers": 2, "bidirectional": True}])
def test_each_recurrent_layer_is_one_function_node(tmp_path, cell, options):
    model, path = exported(tmp_path, cell, **options)
    report = edgernn.quantize(path, tmp_path / "int8.onnx", calibration=X.numpy())
    onnx.checker.check_model(str(tmp_path / "int8.onnx"), full_check=True)
    graph = ir.load(tmp_path / "int8.onnx")
    calls = [
        node.op_type for node in graph.graph if node.domain == "edgernn" and cell.upper() in node.op_type
    ]
    layers = options.get("layers", 1)
    assert len(calls) == layers
    assert all(name.startswith(f"{cell.upper()}_int8") for name in calls)
    assert not [node for node in graph.graph if node.op_type == cell.upper()]
    assert len(report.quantized) == 2 * layers + 1  # W and R of each layer, and the head
    parity = edgernn.verify(model, tmp_path / "int8.onnx", example_inputs=X)
    assert parity.passed, parity.failures[:2]
    assert parity.max_relative_error > 1e-5, "nothing was rounded"


@pytest.mark.parametrize("form", ["scan", "loop", "unrolled"])
@pytest.mark.parametrize("cell", ["gru", "leaky"])
def test_cells_without_operator_are_quantized_too(tmp_path, cell, form):
    model, path = exported(tmp_path, cell, recurrence=form)
    report = edgernn.quantize(path, tmp_path / "int8.onnx")
    assert {tensor.scheme for tensor in report.quantized} == {"int8"}
    assert report.bytes_after < report.bytes_before
    assert edgernn.verify(model, tmp_path / "int8.onnx", example_inputs=X).passed


def test_stored_weights_are_int8_and_widen_to_the_rounded_ones(tmp_path):
    _, path = exported(tmp_path)
    report = edgernn.quantize(path, tmp_path / "int8.onnx")
    graph = ir.load(tmp_path / "int8.onnx").graph
    before = ir.load(path).graph.initializers
    for tensor in report.quantized:
        integers = graph.initializers[f"{tensor.name}_int8"].const_value.numpy()
        scales = graph.initializers[f"{tensor.name}_scale"].const_value.numpy()
        weight = before[tensor.name].const_value.numpy()
        assert integers.dtype == np.int8
        assert np.abs(integers * scales - weight).max() == pytest.approx(tensor.max_abs_error, rel=1e-4)
        # Half a step of its own row's scale: one scale for the whole matrix would be beyond that.
        assert (np.abs(integers * scales - weight) <= scales * 0.5001).all()
        assert tensor.name not in graph.initializers


def test_rounding_is_symmetric_and_keeps_zero_rows():
    array = np.array([[1.0, -2.0, 0.5], [0.0, 0.0, 0.0]], np.float32)
    integers, scales = round_int8(array, (1,))
    assert integers.tolist() == [[64, -127, 32], [0, 0, 0]]
    assert scales.shape == (2, 1)
    assert np.isfinite(scales).all()


def test_streams_of_a_small_layer_do_not_depend_on_chunks(tmp_path):
    _, path = exported(tmp_path, "gru", streaming=True)
    edgernn.quantize(path, tmp_path / "int8.onnx")
    session = edgernn.load(tmp_path / "int8.onnx")
    x = X.numpy()
    whole = session.stream(2).push(x)
    stream = session.stream(2)
    parts = np.concatenate([stream.push(x[:, t : t + 1]) for t in range(x.shape[1])], axis=1)
    assert np.abs(whole - parts).max() <= tolerance("float32", "float32", against_itself=True)


def test_onnxruntime_folds_the_widening(tmp_path):
    """The quantized file runs as the float32 one: no Cast, Mul or DequantizeLinear is left at run time."""
    _, path = exported(tmp_path, "gru")
    edgernn.quantize(path, tmp_path / "int8.onnx")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(str(tmp_path / "int8.onnx"), options)
    kinds = [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]
    assert "GRU" in kinds
    assert not set(kinds) & {"Cast", "Mul", "DequantizeLinear", "GRU_int8"}


def test_inline_writes_plain_onnx(tmp_path):
    model, path = exported(tmp_path)
    edgernn.quantize(path, tmp_path / "plain.onnx", inline=True)
    plain = ir.load(tmp_path / "plain.onnx")
    assert not plain.functions
    assert {node.domain for node in plain.graph} == {""}
    assert edgernn.verify(model, tmp_path / "plain.onnx", example_inputs=X).passed


def test_report_tells_of_every_weight(tmp_path):
    _, path = exported(tmp_path)
    report = edgernn.quantize(path, tmp_path / "int8.onnx", calibration=X.numpy())
    told = {tensor.name for tensor in report.tensors}
    floats = {
        name
        for name, value in ir.load(path).graph.initializers.items()
        if value.const_value.dtype == ir.DataType.FLOAT and value.const_value.size > 1
    }
    assert told == floats
    assert all("bias" in tensor.reason for tensor in report.left)
    assert report.error.data == "given data of shape (2, 6, 24)"
    assert 0 < report.error.mean_abs <= report.error.max_abs < 0.05
    data = json.loads(report.to_json())
    assert data["bytes_before"] == path.stat().st_size
    assert data["ratio"] == pytest.approx(report.bytes_after / report.bytes_before)
    manifest = edgernn.load(tmp_path / "int8.onnx").manifest
    assert manifest.scheme == "int8"
    assert manifest.parity["max_abs_error"] == report.error.max_abs


def test_large_networks_shrink_to_the_stated_share(tmp_path):
    model = nn.GRU(128, 256, batch_first=True).eval()
    edgernn.export(model, tmp_path / "float.onnx", torch.randn(1, 5, 128), check=False)
    assert edgernn.quantize(tmp_path / "float.onnx", tmp_path / "int8.onnx").ratio <= 0.28


def test_damaged_scales_are_noticed(tmp_path):
    """Negative control: verify fails for a quantized file whose scales are wrong."""
    model, path = exported(tmp_path, "gru")
    edgernn.quantize(path, tmp_path / "int8.onnx")
    damaged = onnx.load(tmp_path / "int8.onnx")
    for tensor in damaged.graph.initializer:
        if tensor.name.endswith("R_scale"):
            values = onnx.numpy_helper.to_array(tensor) * 2
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(damaged, tmp_path / "damaged.onnx")
    assert not edgernn.verify(model, tmp_path / "damaged.onnx", example_inputs=X).passed


def test_what_is_refused(tmp_path):
    _, path = exported(tmp_path)
    int8 = tmp_path / "int8.onnx"
    with pytest.raises(InputError, match="scheme: 'int9' is unknown; use one of"):
        edgernn.quantize(path, int8, scheme="int9")
    with pytest.raises(InputError, match="is the source itself"):
        edgernn.quantize(path, path)
    with pytest.raises(InputError, match=r"must end in \.onnx"):
        edgernn.quantize(path, tmp_path / "int8.bin")
    with pytest.raises(InputError, match="calibration: 2 arrays for 1 inputs"):
        edgernn.quantize(path, int8, calibration=[X.numpy(), X.numpy()])
    assert not int8.exists(), "a refused call leaves no file"
    edgernn.quantize(path, int8)
    with pytest.raises(QuantizationError, match="is quantized already"):
        edgernn.quantize(int8, tmp_path / "again.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError):
        edgernn.quantize(tmp_path / "broken.onnx", tmp_path / "out.onnx")


def test_quantizing_nothing_is_an_error(tmp_path):
    edgernn.export(
        nn.GRU(2, 3, batch_first=True).eval(), tmp_path / "tiny.onnx", torch.randn(1, 4, 2), check=False
    )
    with pytest.raises(QuantizationError, match=r"quantizes nothing: .*fewer than 256"):
        edgernn.quantize(tmp_path / "tiny.onnx", tmp_path / "int8.onnx")
    assert not (tmp_path / "int8.onnx").exists()


def test_networks_without_a_recurrent_layer(tmp_path):
    """What else has weights is quantized; where nothing has any, that is an error."""
    linear = nn.Sequential(nn.Linear(24, 48), nn.Tanh(), nn.Linear(48, 8)).eval()
    edgernn.export(linear, tmp_path / "linear.onnx", X, check=False)
    report = edgernn.quantize(tmp_path / "linear.onnx", tmp_path / "int8.onnx")
    assert len(report.quantized) == 2
    assert edgernn.verify(linear, tmp_path / "int8.onnx", example_inputs=X).passed
    edgernn.export(nn.Tanh().eval(), tmp_path / "tanh.onnx", X, check=False)
    for scheme in ("int8", "int8-stable", "int4", "fp16"):
        with pytest.raises(QuantizationError, match="quantizes nothing: it has no weights"):
            edgernn.quantize(tmp_path / "tanh.onnx", tmp_path / "nothing.onnx", scheme=scheme)
    assert not (tmp_path / "nothing.onnx").exists()


def test_schemes_are_found_by_their_files():
    assert "int8" in scheme_names()


def test_a_stream_that_takes_whole_hops_is_compared_without_data(tmp_path):
    """Its 64 standard normal steps would be no multiple of the hop."""

    class Strided(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.frames = nn.Conv1d(2, 24, 10, stride=10)
            self.gru = nn.GRU(24, 32, batch_first=True)

        def forward(self, x):
            return self.gru(self.frames(x.transpose(1, 2)).transpose(1, 2))[0]

    model = Strided().eval()
    edgernn.export(model, tmp_path / "stream.onnx", torch.randn(1, 200, 2), streaming=True, check=False)
    report = edgernn.quantize(tmp_path / "stream.onnx", tmp_path / "int8.onnx")
    assert 0 < report.error.relative < 0.05
