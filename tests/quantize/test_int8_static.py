"""int8-static: QDQ graphs for accelerators."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import edgernn
from edgernn.errors import InputError, ParityError, QuantizationError
from edgernn.quantize.static.ranges import METHODS, Seen, input_ranges, scale_and_zero
from edgernn.verify.tolerances import tolerance

from .models import Network

STEPS = 8
X = torch.randn(24, STEPS, 24, generator=torch.Generator().manual_seed(0))


@functools.cache
def _exported(cell: str, streaming: bool) -> tuple[nn.Module, bytes]:
    """A network and its file, made once."""
    model = Network(cell).eval()
    form = {"streaming": True} if streaming else {"length": STEPS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float.onnx"
        edgernn.export(model, path, X[:2], recurrence="unrolled", check=False, **form)
        return model, path.read_bytes()


def exported(folder: Path, cell: str = "gru", streaming: bool = False) -> tuple[nn.Module, Path]:
    model, file = _exported(cell, streaming)
    path = folder / "float.onnx"
    path.write_bytes(file)
    return model, path


def static(path: Path, **options: object) -> Path:
    edgernn.quantize(
        path, path.with_name("static.onnx"), scheme="int8-static", calibration=X.numpy(), options=options
    )
    return path.with_name("static.onnx")


@pytest.mark.parametrize("streaming", [False, True])
def test_a_file_of_one_row_is_calibrated_on_many(tmp_path, streaming):
    """Row by row: the same ranges, and so the same numbers, as with the batch free."""
    model, path = exported(tmp_path, streaming=streaming)
    form = {"streaming": True, "chunk": 1} if streaming else {"length": STEPS}
    row = tmp_path / "row" / "float.onnx"
    edgernn.export(model, row, X[:2], recurrence="unrolled", fix_batch=True, check=False, **form)
    found, wanted = edgernn.load(static(row)), edgernn.load(static(path))
    x = X[:1, :1].numpy() if streaming else X[:1].numpy()
    # The random states that a stream is calibrated from are others where there are other rows.
    atol = tolerance("float32", "int8-static") if streaming else 1e-6
    np.testing.assert_allclose(found.run(x), wanted.run(x), atol=atol)
    with pytest.raises(InputError, match="dimension 2 must be"):
        edgernn.quantize(row, tmp_path / "s.onnx", scheme="int8-static", calibration=X[:, :, :3].numpy())


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_it_computes_what_the_network_computes_within_its_tolerance(tmp_path, cell):
    model, path = exported(tmp_path, cell)
    report = edgernn.quantize(path, tmp_path / "s.onnx", scheme="int8-static", calibration=X.numpy())
    onnx.checker.check_model(str(tmp_path / "s.onnx"), full_check=True)
    assert not report.left
    parity = edgernn.verify(model, tmp_path / "s.onnx", example_inputs=X)
    assert parity.passed, parity.failures[:2]
    assert 1e-3 < parity.max_relative_error < 0.06  # what was measured, not what is just allowed


def test_a_slow_state_needs_sixteen_bits(tmp_path):
    """h ← 0.9 h + 0.1 …: a step of 8 bits swallows most of what is added."""
    model, path = exported(tmp_path, "leaky")
    expected = model(X).detach().numpy()
    errors = {
        bits: np.abs(edgernn.load(static(path, activation_bits=bits)).run(X.numpy()) - expected).max()
        for bits in (8, 16)
    }
    assert errors[16] < 0.3 * errors[8]
    assert edgernn.verify(model, tmp_path / "static.onnx", example_inputs=X).max_relative_error < 0.06


def test_everything_between_operators_is_rounded(tmp_path):
    _, path = exported(tmp_path)
    graph = ir.load(static(path)).graph
    for node in graph:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear", "Shape") or node.op_type == "Concat":
            continue
        for value in node.inputs:
            if value is not None and value.dtype == ir.DataType.FLOAT:
                producer = value.producer()
                assert producer is not None, f"{node.name} reads {value.name} in float"
                assert producer.op_type == "DequantizeLinear", f"{node.name} reads {value.name} in float"
    weights = {t.const_value.dtype for name, t in graph.initializers.items() if "weight_hh" in name}
    assert ir.DataType.INT8 in weights
    scales = [
        t.const_value.numpy()
        for name, t in graph.initializers.items()
        if "weight_hh" in name and "scale" in name
    ]
    assert [scale.shape for scale in scales] == [(96,)], "one scale a channel"


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_steps_of_a_cell_share_their_scales(tmp_path, cell):
    _, path = exported(tmp_path, cell)
    graph = ir.load(static(path)).graph
    scales: dict[str, set[str]] = {}
    steps = 0
    for node in graph:
        if "/step_" not in (node.name or ""):
            continue
        before, _, place = node.name.partition("/step_")
        steps += place.endswith("Gemm_2") or place.endswith("Gemm_1")
        for index, value in enumerate(node.outputs):
            for use in value.uses():
                key = f"{before}/{place.partition('/')[2]}:{index}"
                scales.setdefault(key, set()).add(use.node.inputs[1].name)
    assert steps == STEPS
    assert len(scales) > 8
    assert {key for key, names in scales.items() if len(names) != 1} == set()
    assert len(set.union(*scales.values())) > 4, "different places have different scales"


def test_a_step_of_a_stream_is_quantized_and_streams(tmp_path):
    model, path = exported(tmp_path, streaming=True)
    parity = edgernn.verify(model, static(path), example_inputs=X)
    assert parity.passed, parity.failures[:2]


@pytest.mark.parametrize("method", ["percentile", "entropy"])
def test_other_ways_to_calibrate(tmp_path, method):
    """Data with an outlier: the range of these leaves it out, and values of everyday are closer."""
    model, path = exported(tmp_path, "rnn")
    data = X.numpy().copy()
    data[0, 0, 0] = 60.0
    usual = X.numpy()[1:]
    expected = model(torch.from_numpy(usual)).detach().numpy()
    errors = {}
    for name in ("min-max", method):
        edgernn.quantize(
            path, tmp_path / "s.onnx", scheme="int8-static", calibration=data,
            options={"calibrate": name, "percentile": 99.9},
        )  # fmt: skip
        errors[name] = np.abs(edgernn.load(tmp_path / "s.onnx").run(usual) - expected).mean()
    assert errors[method] < 0.8 * errors["min-max"]


def test_seven_bit_weights_leave_room(tmp_path):
    _, path = exported(tmp_path)
    weights = [
        tensor.const_value.numpy()
        for name, tensor in ir.load(static(path, weight_bits=7)).graph.initializers.items()
        if tensor.const_value.dtype == ir.DataType.INT8 and "zero" not in name
    ]
    assert max(np.abs(weight).max() for weight in weights) == 63


@pytest.mark.parametrize("damage", ["weight scale", "weight zero point", "input zero point"])
def test_damage_is_noticed(tmp_path, damage):
    """Negative control: a scale off by 2 and shifted zero points."""
    model, path = exported(tmp_path)
    damaged = onnx.load(static(path))
    first = next(node for node in damaged.graph.node if node.input[0] == "x")
    for tensor in damaged.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if damage == "weight scale" and "weight_hh_int8" in tensor.name and values.dtype == np.float32:
            values = values * 2
        elif damage == "weight zero point" and tensor.name.endswith("_zero") and values.dtype == np.int8:
            values = values + np.int8(48)
        elif damage == "input zero point" and tensor.name == first.input[2]:
            values = (values.astype(int) + 64).clip(0, 255).astype(np.uint8)
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(damaged, tmp_path / "damaged.onnx")
    assert not edgernn.verify(model, tmp_path / "damaged.onnx", example_inputs=X).passed


def test_a_margin_covers_what_calibration_did_not_see(tmp_path):
    """Calibrated on quiet inputs, run on those half as loud again."""
    model, path = exported(tmp_path, "lstm")
    quiet = X.numpy().clip(-1.5, 1.5)
    loud = 1.5 * quiet
    expected = model(torch.from_numpy(loud)).detach().numpy()
    errors = {}
    for margin in (1.0, 1.5):
        edgernn.quantize(
            path, tmp_path / "s.onnx", scheme="int8-static", calibration=quiet, options={"margin": margin}
        )
        errors[margin] = np.abs(edgernn.load(tmp_path / "s.onnx").run(loud) - expected).max()
        ((low, high),) = input_ranges(tmp_path / "s.onnx").values()
        assert low == pytest.approx(-1.5 * margin, abs=0.03)
        assert high == pytest.approx(1.5 * margin, abs=0.03)
    assert errors[1.5] < 0.5 * errors[1.0]
    # What tanh and sigmoids give has its own limits; the ranges of no gate are wider than those.
    reach = [
        float(node.inputs[1].const_value.numpy()) * 255
        for node in ir.load(tmp_path / "s.onnx").graph
        if node.op_type == "QuantizeLinear" and node.inputs[0].producer() is not None
        and node.inputs[0].producer().op_type in ("Sigmoid", "Tanh")
    ]  # fmt: skip
    assert reach
    assert max(reach) <= 2.0001


def test_verify_says_where_inputs_are_clipped(tmp_path):
    model, path = exported(tmp_path)
    edgernn.quantize(path, tmp_path / "s.onnx", scheme="int8-static", calibration=X.numpy().clip(-1, 1))
    report = edgernn.verify(model, tmp_path / "s.onnx", example_inputs=X)
    assert not report.passed
    (warning,) = report.warnings
    assert "the file clips it to -0.99" in warning
    assert "--set margin=1.2" in warning
    with pytest.raises(ParityError, match="the file clips it"):
        report.raise_if_failed()
    inside = edgernn.verify(model, tmp_path / "s.onnx", example_inputs=X.clip(-1, 1))
    assert inside.passed
    assert inside.warnings == ()


def test_what_is_kept_stays_float(tmp_path):
    _, path = exported(tmp_path)
    report = edgernn.quantize(
        path, tmp_path / "s.onnx", scheme="int8-static", calibration=X.numpy(), keep=["node_MatMul_1"]
    )
    assert [item.reason for item in report.left] == ["kept in float32 as asked"]
    head = ir.load(tmp_path / "s.onnx").graph.node("node_MatMul_1")
    assert head.inputs[1].const_value.dtype == ir.DataType.FLOAT


def test_a_budget_takes_it_whole_or_not_at_all(tmp_path):
    _, path = exported(tmp_path)
    out = tmp_path / "s.onnx"
    words = {"scheme": "int8-static", "calibration": X.numpy()}
    choice = edgernn.quantize(path, out, **words, budget="max-error=0.1").choice
    assert [item.layer for item in choice.layers] == ["the whole network"]
    assert 0 < choice.value <= 0.1
    with pytest.raises(QuantizationError, match="holds for the float32 file alone"):
        edgernn.quantize(path, out, **words, budget="max-error=1e-4")


def test_what_is_refused(tmp_path):
    _, path = exported(tmp_path)
    out = tmp_path / "s.onnx"

    def quantize(source: Path, calibration: object, **options: object) -> None:
        edgernn.quantize(source, out, scheme="int8-static", calibration=calibration, options=options)

    with pytest.raises(QuantizationError, match=r"none were given\. Give some: `--data"):
        quantize(path, None)
    with pytest.raises(InputError, match=r"calibration: input 'x': dimension 1 must be 8, found 9"):
        quantize(path, np.zeros((2, 9, 24), np.float32))
    with pytest.raises(InputError, match="calibration: 2 arrays for 1 inputs"):
        quantize(path, [X.numpy(), X.numpy()])
    with pytest.raises(InputError, match="calibration: the data hold NaN"):
        quantize(path, np.full((2, STEPS, 24), np.nan, np.float32))
    with pytest.raises(InputError, match="calibrate is 'guess'; it must be one of"):
        quantize(path, X.numpy(), calibrate="guess")
    with pytest.raises(QuantizationError, match=r"margin is 0\.5; it must be from 1 to 4"):
        quantize(path, X.numpy(), margin=0.5)
    with pytest.raises(QuantizationError, match="percentile is 20"):
        quantize(path, X.numpy(), percentile=20.0)
    for form, kinds in (("op", "GRU"), ("scan", "Scan"), ("loop", "Loop")):
        edgernn.export(Network("gru").eval(), tmp_path / "r.onnx", X[:2], recurrence=form, check=False)
        with pytest.raises(QuantizationError, match=f"has {kinds} nodes.*--recurrence unrolled --length N"):
            quantize(tmp_path / "r.onnx", X.numpy())
    assert not out.exists()


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_zero_is_exact_and_the_range_is_covered(a, b):
    low, high = min(a, b), max(a, b)
    scale, zero = scale_and_zero(low, high)
    assert scale > 0
    reach = (np.array([0.0, 255.0]) - float(zero)) * float(scale)
    assert reach[0] <= min(low, 0) + scale
    assert reach[1] >= max(high, 0) - scale


@given(st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=50), st.sampled_from(sorted(METHODS)))
def test_a_range_lies_within_what_was_seen(values, method):
    array = np.array(values, np.float32)
    seen = Seen()
    seen.widen(array)
    seen.count(array)
    low, high = METHODS[method](seen, 99.0)
    assert array.min() <= low <= high <= array.max()


def test_the_tolerance_is_in_the_table():
    assert tolerance("float32", "int8-static") == 0.1
