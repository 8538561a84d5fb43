"""fp16: half the bytes, float32 arithmetic."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from torch import nn

import edgernn
from edgernn.errors import QuantizationError
from edgernn.quantize.fp16 import Half
from edgernn.quantize.half import check_loads
from edgernn.quantize.weights import Weight

from .models import X, exported


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("gru", {"streaming": True}),
        ("lstm", {"bidirectional": True}),
        ("leaky", {}),
        ("rnn", {"recurrence": "loop"}),
    ],
)
def test_half_is_stored_and_float32_computed(tmp_path, cell, options):
    model, path = exported(tmp_path, cell, hidden=72, **options)
    report = edgernn.quantize(path, tmp_path / "half.onnx", scheme="fp16")
    onnx.checker.check_model(str(tmp_path / "half.onnx"), full_check=True)
    stored = ir.load(tmp_path / "half.onnx").graph.initializers
    for tensor in report.quantized:
        assert stored[f"{tensor.name}_half"].dtype == ir.DataType.FLOAT16
        assert tensor.bytes_after * 2 == tensor.bytes_before
    parity = edgernn.verify(model, tmp_path / "half.onnx", example_inputs=X)
    assert parity.passed, parity.failures[:2]
    assert parity.max_relative_error > 1e-5, "nothing was rounded"


def test_onnxruntime_widens_at_load(tmp_path):
    _, path = exported(tmp_path, "gru")
    edgernn.quantize(path, tmp_path / "half.onnx", scheme="fp16", inline=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(str(tmp_path / "half.onnx"), options)
    kinds = {node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node}
    assert "GRU" in kinds
    assert "Cast" not in kinds


def test_what_half_cannot_hold_is_told():
    array = np.array([[1e6, 1.0]], np.float32)
    (half,), wide = Half().encode(Weight(ir.val("w", const_value=ir.tensor(array)), (), (1,)))
    assert np.isfinite(half).all()
    assert wide[0, 0] == 65504


HALF = {"compute": "half"}


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("gru", {"streaming": True}),
        ("lstm", {"bidirectional": True}),
        ("lstm", {"recurrence": "scan", "streaming": True}),
        ("leaky", {}),
        ("gru", {"recurrence": "unrolled", "length": 6}),
        ("rnn", {"recurrence": "loop"}),
    ],
)
def test_a_whole_graph_in_half(tmp_path, cell, options):
    """A processor runs it too, between casts; what an accelerator makes of it cannot be seen here."""
    model, path = exported(tmp_path, cell, hidden=72, **options)
    report = edgernn.quantize(path, tmp_path / "half.onnx", scheme="fp16", options=HALF)
    onnx.checker.check_model(str(tmp_path / "half.onnx"), full_check=True)
    assert report.ratio < 0.75
    graph = ir.load(tmp_path / "half.onnx")
    floats = [
        name
        for name, value in graph.graph.initializers.items()
        if value.const_value.dtype == ir.DataType.FLOAT
    ]
    assert floats == []
    assert {value.dtype for value in (*graph.graph.inputs, *graph.graph.outputs)} == {ir.DataType.FLOAT}
    widened = {
        use.node.op_type
        for node in ir.traversal.RecursiveGraphIterator(graph.graph)
        if node.op_type == "Cast" and node.attributes["to"].as_int() == ir.DataType.FLOAT
        for use in node.outputs[0].uses()
    }
    assert widened <= {"Transpose"}, "everything else computes in half"
    parity = edgernn.verify(model, tmp_path / "half.onnx", example_inputs=X)
    assert parity.passed, parity.failures[:2]
    assert parity.max_relative_error > 5e-5, "nothing was rounded"
    assert {check.tolerance for check in parity.checks if "torch" in check.name} == {1e-2}


def test_what_is_kept_computes_in_float32(tmp_path):
    model, path = exported(tmp_path, "gru")
    (node,) = [node for node in ir.load(path).graph if node.op_type == "GRU"]
    report = edgernn.quantize(path, tmp_path / "half.onnx", scheme="fp16", options=HALF, keep=[node.name])
    assert {tensor.reason for tensor in report.left} == {"kept in float32 as asked"}
    assert {tensor.name for tensor in report.left} == {value.name for value in node.inputs[1:4]}
    (kept,) = [node for node in ir.load(tmp_path / "half.onnx").graph if node.op_type == "GRU"]
    assert kept.inputs[1].const_value.dtype == ir.DataType.FLOAT
    assert edgernn.verify(model, tmp_path / "half.onnx", example_inputs=X).passed


def test_a_loop_that_is_kept_computes_in_float32(tmp_path):
    model, path = exported(tmp_path, "gru", recurrence="scan")
    (node,) = [node for node in ir.load(path).graph if node.op_type == "Scan"]
    report = edgernn.quantize(path, tmp_path / "half.onnx", scheme="fp16", options=HALF, keep=[node.name])
    recurrent = [tensor.name for tensor in report.tensors if "_hh" in tensor.name]
    assert recurrent
    assert set(recurrent) <= {tensor.name for tensor in report.left}
    assert edgernn.verify(model, tmp_path / "half.onnx", example_inputs=X).passed


def test_operators_without_half_form_stay_float32(tmp_path):
    """The scales of Resize are float32 in ONNX, whatever it resizes."""

    class Upsampled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(24, 32, batch_first=True)

        def forward(self, x):
            y = nn.functional.interpolate(self.gru(x)[0].transpose(1, 2), scale_factor=2.0)
            return y.transpose(1, 2)

    model = Upsampled().eval()
    edgernn.export(model, tmp_path / "float.onnx", X, check=False)
    edgernn.quantize(tmp_path / "float.onnx", tmp_path / "half.onnx", scheme="fp16", options=HALF)
    assert edgernn.verify(model, tmp_path / "half.onnx", example_inputs=X).passed


def test_a_file_that_cannot_be_loaded_is_refused_and_stops_nobody(tmp_path):
    """Negative control of the trial load, which runs in a process of its own."""
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(QuantizationError, match=r"cannot load the graph on a processor: .*INVALID_PROTOBUF"):
        check_loads(path)


def test_damage_to_a_whole_graph_in_half_is_noticed(tmp_path):
    """Negative control: verify fails where a matrix is off by a twentieth."""
    model, path = exported(tmp_path, "gru")
    edgernn.quantize(path, tmp_path / "half.onnx", scheme="fp16", options=HALF)
    damaged = onnx.load(tmp_path / "half.onnx")
    for tensor in damaged.graph.initializer:
        if tensor.name.endswith(".R"):
            values = onnx.numpy_helper.to_array(tensor) * np.float16(1.1)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(damaged, tmp_path / "damaged.onnx")
    assert not edgernn.verify(model, tmp_path / "damaged.onnx", example_inputs=X).passed


def test_damage_is_noticed(tmp_path):
    """Negative control: verify fails where a matrix is off by a hundredth."""
    model, path = exported(tmp_path, "gru")
    edgernn.quantize(path, tmp_path / "half.onnx", scheme="fp16")
    damaged = onnx.load(tmp_path / "half.onnx")
    for tensor in damaged.graph.initializer:
        if tensor.name.endswith("R_half"):
            values = onnx.numpy_helper.to_array(tensor) * np.float16(1.02)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(damaged, tmp_path / "damaged.onnx")
    assert not edgernn.verify(model, tmp_path / "damaged.onnx", example_inputs=X).passed
