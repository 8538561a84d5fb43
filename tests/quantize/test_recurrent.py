"""Which body an int8 recurrent layer gets, and that all of them compute the same."""

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
from edgernn.quantize.weights import round_int8
from edgernn.verify.tolerances import tolerance

STEPS = 7
STREAM, STEP = {"streaming": True}, {"streaming": True, "chunk": 1}


class Layer(nn.Module):
    """One recurrent layer, as wide as it is told."""

    def __init__(self, cell: str, hidden: int) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.layer = getattr(nn, cell)(hidden, hidden, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[0]


def quantized(folder, cell, hidden, **options):
    """The layer and its int8 file."""
    model = Layer(cell, hidden).eval()
    edgernn.export(model, folder / "float.onnx", torch.randn(1, STEPS, hidden), check=False, **options)
    edgernn.quantize(folder / "float.onnx", folder / "int8.onnx")
    return model, folder / "int8.onnx"


def called(path) -> list[str]:
    """The functions that the graph calls."""
    return [node.op_type for node in ir.load(path).graph if node.domain == "edgernn"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "hidden", "options", "body"),
    [
        ("LSTM", 64, {}, "LSTM_int8_dynamic"),
        ("LSTM", 64, STREAM, "LSTM_int8"),
        ("LSTM", 160, STREAM, "LSTM_int8_dynamic"),
        ("GRU", 256, {}, "GRU_int8"),
        ("GRU", 240, STREAM, "GRU_int8_chunk"),
        ("GRU", 192, STEP, "GRU_int8_step"),
        ("GRU", 192, STREAM, "GRU_int8"),
        ("GRU", 320, STREAM, "GRU_int8_scan"),
        ("GRU", 320, {}, "GRU_int8_scan"),
        ("GRU", 96, STREAM, "GRU_int8"),
        ("RNN", 192, STREAM, "RNN_int8"),
    ],
)
def test_the_body_is_chosen_by_kind_and_size(tmp_path, cell, hidden, options, body):
    model, path = quantized(tmp_path, cell, hidden, **options)
    (name,) = called(path)
    assert name.startswith(body)
    assert name.removeprefix(body).lstrip("_")[:1] in ("", "2", "3"), "another body's name"
    onnx.checker.check_model(str(path), full_check=True)
    parity = edgernn.verify(model, path)
    assert parity.passed, parity.failures[:2]


@pytest.mark.parametrize(
    ("cell", "options"), [("LSTM", STREAM), ("GRU", STREAM), ("GRU", STEP), ("LSTM", {})]
)
def test_a_body_on_integers_agrees_with_plain_operators(tmp_path, cell, options):
    """Also with nothing folded, as other runtimes and optimization levels have it."""
    _, path = quantized(tmp_path, cell, 192, **options)
    edgernn.quantize(tmp_path / "float.onnx", tmp_path / "plain.onnx", inline=True)
    plain = ir.load(tmp_path / "plain.onnx")
    assert not plain.functions
    assert {node.domain for node in plain.graph} == {""}
    unfolded = onnxruntime.SessionOptions()
    unfolded.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    sessions = [
        onnxruntime.InferenceSession(tmp_path / "plain.onnx"),
        onnxruntime.InferenceSession(path),
        onnxruntime.InferenceSession(path, unfolded),
    ]
    random = np.random.default_rng(0)
    for steps in (1, STEPS):
        feed = {
            item.name: random.uniform(-1, 1, [_size(dim, steps) for dim in item.shape]).astype(np.float32)
            for item in sessions[0].get_inputs()
        }
        expected, *found = [session.run(None, feed) for session in sessions]
        for outputs in found:
            for wanted, output in zip(expected, outputs, strict=True):
                error = np.abs(wanted - output).max() / np.abs(wanted).max()
                assert error <= tolerance("float32", "int8", against_itself=True)


@pytest.mark.parametrize(
    ("hidden", "inputs", "options", "body"),
    [
        (240, 240, STREAM, "GRU_int8_chunk_nbits"),
        (160, 200, STEP, "GRU_int8_step_nbits"),
        (330, 300, {}, "GRU_int8_scan_nbits"),  # no multiple of a block
    ],
)
def test_newer_onnxruntimes_have_a_faster_product(tmp_path, hidden, inputs, options, body):
    """The same integers are stored; only what multiplies them is another."""
    torch.manual_seed(2)
    model = Layer("GRU", hidden)
    model.layer = nn.GRU(inputs, hidden, batch_first=True)
    model.eval()
    edgernn.export(model, tmp_path / "float.onnx", torch.randn(1, STEPS, inputs), check=False, **options)
    stored = []
    for minimum in ("1.17", "1.22"):
        edgernn.quantize(
            tmp_path / "float.onnx", tmp_path / "int8.onnx", options={"minimum_onnxruntime": minimum}
        )
        graph = ir.load(tmp_path / "int8.onnx").graph
        stored.append(
            {
                name: value.const_value.tobytes()
                for name, value in graph.initializers.items()
                if name.endswith(("_int8", "_scale"))
            }
        )
    assert len(stored[0]) == 4
    assert stored[0] == stored[1]
    (name,) = called(tmp_path / "int8.onnx")
    assert name.startswith(body)
    parity = edgernn.verify(model, tmp_path / "int8.onnx")
    assert parity.passed, parity.failures[:2]
    assert parity.max_relative_error > 1e-3, "nothing was rounded"


def test_a_large_bidirectional_gru_with_lengths_multiplies_integers(tmp_path):
    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.layer = edgernn.Recurrent(edgernn.GRU(300, 330), bidirectional=True)

        def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            return self.layer(x, lengths=lengths)[0]

    model = Packed().eval()
    inputs = (torch.randn(3, STEPS, 300), torch.tensor([7, 3, 5]))
    edgernn.export(model, tmp_path / "float.onnx", inputs, check=False)
    edgernn.quantize(tmp_path / "float.onnx", tmp_path / "int8.onnx")
    assert called(tmp_path / "int8.onnx")[0].startswith("GRU_int8_scan_bidirectional")
    found = edgernn.load(tmp_path / "int8.onnx").run(*(item.numpy() for item in inputs))
    expected = model(*inputs).detach().numpy()
    assert np.abs(found - expected).max() <= tolerance("float32", "int8") * np.abs(expected).max()
    assert (found[1, 3:] == 0).all(), "behind the end of a row"


def _size(dim, steps):
    return dim if isinstance(dim, int) else steps if "time" in dim else 2


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(0, 2**31 - 1),
    st.sampled_from(["normal", "uniform", "ones", "outlier"]),
)
def test_no_pair_of_weights_saturates(columns, seed, kind):
    """x86 without int8 dot products adds neighbours' products with 0…255 in 16 bits."""
    random = np.random.default_rng(seed)
    array = random.standard_normal((3, columns)).astype(np.float32)
    if kind == "uniform":
        array = random.uniform(-1, 1, (3, columns)).astype(np.float32)
    elif kind == "ones":
        array = np.sign(array) + np.float32(0)
    elif kind == "outlier":
        array[0, 0] = 100
    integers, scales = round_int8(array, (1,), for_pairs=True)
    wide = np.pad(integers.astype(int), ((0, 0), (0, columns % 2))).reshape(3, -1, 2)
    assert (np.maximum(wide, 0).sum(-1) * 255).max() <= 32767
    assert (np.minimum(wide, 0).sum(-1) * 255).min() >= -32768
    assert (np.abs(integers * scales - array) <= scales * 0.5001).all()
    _, plain_scales = round_int8(array, (1,))
    assert (scales >= plain_scales * 0.995).all()
    # What is rounded already stays as it is, to the integer.
    again, same = round_int8(integers * scales, (1,), for_pairs=True)
    assert (again == integers).all()
    np.testing.assert_allclose(same, scales, rtol=1e-6)


def test_the_usual_rounding_can_saturate():
    """Negative control of the test above."""
    integers, _ = round_int8(np.ones((1, 2), np.float32), (1,))
    assert integers.astype(int).sum() * 255 > 32767
