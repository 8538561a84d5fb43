"""int4: what it stores, and that plain operators unpack it."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import edgernn
from edgernn.quantize.int4 import Int4, round_int4
from edgernn.quantize.weights import Weight

from .models import X, exported


class Wide(nn.Module):
    """An embedding, a convolution and linear layers, each large enough for 4 bits, with odd sizes."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(150, 70)
        self.convolution = nn.Conv1d(70, 50, 3)
        self.linear = nn.Linear(50, 90)

    def forward(self, ids):
        x = nn.functional.pad(self.embedding(ids).transpose(1, 2), (2, 0))
        return self.linear(torch.relu(self.convolution(x)).transpose(1, 2))


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "leaky"])
@pytest.mark.parametrize("streaming", [False, True])
def test_recurrent_layers(tmp_path, cell, streaming):
    model, path = exported(tmp_path, cell, hidden=72, streaming=streaming)
    report = edgernn.quantize(path, tmp_path / "int4.onnx", scheme="int4")
    onnx.checker.check_model(str(tmp_path / "int4.onnx"), full_check=True)
    assert "int4" in {tensor.scheme for tensor in report.quantized}
    parity = edgernn.verify(model, tmp_path / "int4.onnx", example_inputs=X)
    assert parity.passed, parity.failures[:2]
    assert parity.max_relative_error > 5e-3, "nothing was rounded to 4 bits"


@pytest.mark.parametrize(
    ("options", "last"),
    [({}, "int4"), ({"block_size": 64}, "int4"), ({"block_size": 128}, "int8")],  # of rows of 50 weights
)
def test_what_is_not_recurrent(tmp_path, options, last):
    model = Wide().eval()
    ids = torch.randint(0, 150, (2, 9))
    edgernn.export(model, tmp_path / "float.onnx", ids, check=False)
    report = edgernn.quantize(tmp_path / "float.onnx", tmp_path / "int4.onnx", scheme="int4", options=options)
    assert [tensor.scheme for tensor in report.quantized] == ["int4", "int4", last]
    assert edgernn.verify(model, tmp_path / "int4.onnx", example_inputs=ids).passed


def test_onnxruntime_unpacks_at_load(tmp_path):
    _, path = exported(tmp_path, "gru", hidden=72)
    for inline in (False, True):
        edgernn.quantize(path, tmp_path / "int4.onnx", scheme="int4", inline=inline)
        assert bool(ir.load(tmp_path / "int4.onnx").functions) != inline
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
        onnxruntime.InferenceSession(str(tmp_path / "int4.onnx"), options)
        kinds = {node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node}
        assert "GRU" in kinds
        assert not kinds & {"Cast", "Mul", "BitShift", "Slice", "Weight_int4_32"}


def test_size_and_small_weights(tmp_path):
    model = nn.GRU(128, 128, batch_first=True).eval()
    edgernn.export(model, tmp_path / "float.onnx", torch.randn(1, 5, 128), check=False)
    report = edgernn.quantize(tmp_path / "float.onnx", tmp_path / "int4.onnx", scheme="int4")
    assert report.ratio <= 0.17
    _, path = exported(tmp_path, "leaky", hidden=72)
    report = edgernn.quantize(path, tmp_path / "small.onnx", scheme="int4")
    sizes = {tensor.scheme: int(np.prod(tensor.shape)) for tensor in report.quantized}
    assert sizes["int8"] < 4096 <= sizes["int4"]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(1, 70),
    st.sampled_from([16, 32]),
    st.booleans(),
    st.integers(0, 2**31 - 1),
)
def test_a_weight_comes_back_within_half_a_step(rows, columns, block_size, transposed, seed):
    """Unpacked by numpy as the file's format says, independently of the graph that unpacks it."""
    array = np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)
    array[0, : columns // 2] = 0
    shape = array.T.shape if transposed else array.shape
    value = ir.val("w", const_value=ir.tensor(array.T.copy() if transposed else array, name="w"))
    weight = Weight(value, (), (0,) if transposed else (1,))
    (packed, scales, stored_shape), wide = Int4(block_size, transposed=transposed).encode(weight)
    assert wide.shape == shape
    assert tuple(stored_shape) == array.shape
    blocks = packed.reshape(rows, -1, block_size // 2)
    integers = np.concatenate([blocks & 15, blocks >> 4], -1).astype(np.float32) - 8
    unpacked = (integers * scales.astype(np.float32)[..., None]).reshape(rows, -1)[:, :columns]
    np.testing.assert_array_equal(unpacked.T if transposed else unpacked, wide)
    # Half a step, or what was clipped: the largest may lose up to 30 %.
    largest = np.abs(array).max()
    assert np.abs(unpacked - array).max() <= largest * 0.31
    assert (unpacked[0, : columns // 2] == 0).all()


def test_rounding_takes_the_scale_with_the_smallest_error():
    random = np.random.default_rng(0)
    blocks = random.standard_normal((50, 4, 32)).astype(np.float32)
    integers, scales = round_int4(blocks)
    assert integers.min() == -8
    assert integers.max() <= 7
    error = ((integers * scales.astype(np.float32) - blocks) ** 2).mean()
    widest = np.abs(blocks).max(-1, keepdims=True) / 7
    usual = ((np.clip(np.rint(blocks / widest), -8, 7) * widest - blocks) ** 2).mean()
    assert error < usual


@pytest.mark.parametrize("damage", ["scale", "zero point"])
def test_damage_is_noticed(tmp_path, damage):
    """Negative control: verify fails where the scales are off by 2 or the integers by one."""
    model, path = exported(tmp_path, "gru", hidden=72)
    edgernn.quantize(path, tmp_path / "int4.onnx", scheme="int4")
    damaged = onnx.load(tmp_path / "int4.onnx")
    for tensor in damaged.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if damage == "scale" and tensor.name.endswith("R_scale"):
            tensor.CopyFrom(onnx.numpy_helper.from_array(values * np.float16(2), tensor.name))
        if damage == "zero point" and tensor.name.endswith("_int4"):
            low, high = values & 15, values >> 4
            shifted = np.minimum(low + 1, 15) | np.minimum(high + 1, 15) << 4
            tensor.CopyFrom(onnx.numpy_helper.from_array(shifted.astype(np.uint8), tensor.name))
    onnx.save(damaged, tmp_path / "damaged.onnx")
    assert not edgernn.verify(model, tmp_path / "damaged.onnx").passed
