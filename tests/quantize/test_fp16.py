"""fp16: half the bytes, float32 arithmetic."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest

import edgernn
from edgernn.quantize.fp16 import Half
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
