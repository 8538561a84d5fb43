"""What a scheme is asked for: what stays in float32, and its options."""

from __future__ import annotations

import re

import onnx_ir as ir
import pytest

import edgernn
from edgernn.errors import InputError, QuantizationError
from edgernn.quantize.request import KEPT, Option, settle_options

from .models import X, exported

DECLARED = {"block_size": Option(32, "", (16, 32)), "share": Option(0.5, ""), "way": Option("a", "")}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["op", "scan"])
def test_a_node_that_is_kept_keeps_its_weights(tmp_path, form):
    """In a Scan the readers stand in the body, which carries another name."""
    _, path = exported(tmp_path, "gru", recurrence=form)
    graph = ir.load(path).graph
    (node,) = [node for node in graph if node.op_type in ("GRU", "Scan")]
    everything = edgernn.quantize(path, tmp_path / "all.onnx")
    report = edgernn.quantize(path, tmp_path / "int8.onnx", keep=[node.name])
    kept = {tensor.name for tensor in report.left if tensor.reason == KEPT}
    matrices = {tensor.name for tensor in everything.quantized if tensor.name in kept}
    assert matrices
    assert {tensor.name for tensor in report.quantized} == {t.name for t in everything.quantized} - matrices
    after = ir.load(tmp_path / "int8.onnx").graph.initializers
    before = graph.initializers
    for name in kept:
        assert (after[name].const_value.numpy() == before[name].const_value.numpy()).all()


def test_one_kept_matrix_keeps_the_recurrent_node(tmp_path):
    """W and R go together: one alone would leave a node that is neither."""
    model, path = exported(tmp_path, "lstm")
    (node,) = [node for node in ir.load(path).graph if node.op_type == "LSTM"]
    report = edgernn.quantize(path, tmp_path / "int8.onnx", keep=[node.inputs[2].name])
    assert node.inputs[2].name in {tensor.name for tensor in report.left}
    assert edgernn.verify(model, tmp_path / "int8.onnx", example_inputs=X).passed


def test_keeping_everything_quantizes_nothing(tmp_path):
    _, path = exported(tmp_path)
    names = {tensor.name for tensor in edgernn.quantize(path, tmp_path / "a.onnx").quantized}
    with pytest.raises(QuantizationError, match=f"quantizes nothing: .*{KEPT}"):
        edgernn.quantize(path, tmp_path / "b.onnx", keep=names)
    assert not (tmp_path / "b.onnx").exists()


def test_names_that_the_model_does_not_have(tmp_path):
    _, path = exported(tmp_path)
    (node,) = [node for node in ir.load(path).graph if node.op_type == "LSTM"]
    with pytest.raises(InputError, match=re.escape(f"Did you mean {node.name!r}?")):
        edgernn.quantize(path, tmp_path / "a.onnx", keep=[f"{node.name}x"])
    with pytest.raises(InputError, match="keep: 'abc' is one name; give a list"):
        edgernn.quantize(path, tmp_path / "a.onnx", keep="abc")


def test_options_are_read_as_their_type():
    assert settle_options(None, DECLARED, "s") == {"block_size": 32, "share": 0.5, "way": "a"}
    given = {"block_size": "16", "share": 1, "way": "b"}
    settled = settle_options(given, DECLARED, "s")
    assert settled == {"block_size": 16, "share": 1.0, "way": "b"}
    assert [type(value) for value in settled.values()] == [int, float, str]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"block_size": 17}, r"block_size is 17; it must be one of \[16, 32\]"),
        ({"block_size": "many"}, "block_size is 'many'"),
        ({"share": "half"}, "share is 'half'; it must be a value of type float"),
        ({"way": 3}, "way is 3; it must be a value of type str"),
        ({"size": 3}, r"scheme s has no option 'size'; it takes \['block_size', 'share', 'way'\]"),
    ],
)
def test_options_that_are_refused(given, said):
    with pytest.raises(InputError, match=said):
        settle_options(given, DECLARED, "s")


def test_a_scheme_without_options_says_so(tmp_path):
    _, path = exported(tmp_path)
    with pytest.raises(InputError, match="scheme int8-stable has no option 'block_size'; it takes none"):
        edgernn.quantize(path, tmp_path / "a.onnx", scheme="int8-stable", options={"block_size": 32})
