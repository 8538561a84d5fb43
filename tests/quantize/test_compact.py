"""Pruned weights and matrices of low rank take fewer bytes, and are restored to the bit, or to rounding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import edgernn
from edgernn.quantize.compact import leave_blocks_out, restore
from edgernn.quantize.compact.blocks import find_blocks
from edgernn.quantize.compact.low_rank import find_factors
from edgernn.verify.tolerances import tolerance

X = torch.randn(2, 6, 40, generator=torch.Generator().manual_seed(0))


class Network(nn.Module):
    """Every kind of layer whose weights may repeat themselves."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.into = nn.Linear(40, 64)
        self.recurrent = edgernn.Recurrent(edgernn.cells.find_cells()[cell](64, 96))
        self.head = nn.Linear(96, 64)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.recurrent(torch.relu(self.into(x)))[0])


@torch.no_grad()
def prune(model: nn.Module) -> nn.Module:
    """Six of ten blocks of 32 are zero: as long as int4's, in which half a block would save nothing."""
    random = np.random.default_rng(0)
    for value in model.parameters():
        if value.ndim == 2:
            blocks = torch.from_numpy(random.random((len(value), -(-value.shape[1] // 32))) < 0.4)
            value *= blocks.repeat_interleave(32, 1)[:, : value.shape[1]]
    return model


@torch.no_grad()
def lower_rank(model: nn.Module) -> nn.Module:
    """An eighth of the rank; random matrices have no directions that matter more."""
    for value in model.parameters():
        if value.ndim == 2:
            left, values, right = torch.linalg.svd(value, full_matrices=False)
            rank = min(value.shape) // 8
            value.copy_(2 * (left[:, :rank] * values[:rank]) @ right[:rank])
    return model


WAYS = {"pruned": prune, "low rank": lower_rank}


def arrays() -> st.SearchStrategy[np.ndarray]:
    """Tensors of a file, of every type and many shapes, with zeros in some places."""

    def make(shape: tuple[int, ...], dtype: str, seed: int, block: int) -> np.ndarray:
        random = np.random.default_rng(seed)
        array = random.integers(1, 255, shape).astype(dtype).reshape(-1)
        zero = 0x88 if dtype == "uint8" else 0
        for start in range(0, array.size, block):
            if random.random() < 0.5:
                array[start : start + block] = zero
        return array.reshape(shape)

    shapes = st.sampled_from([(24, 40), (3, 5, 8), (4,), (33, 12), (1, 96, 64), (7, 11), (128,), (16, 3, 4)])
    types = st.sampled_from(["float32", "float16", "int8", "uint8"])
    return st.builds(make, shapes, types, st.integers(0, 99), st.sampled_from([4, 8, 16]))


@settings(max_examples=60, deadline=None)
@given(arrays())
def test_blocks_give_the_tensor_back_to_the_bit(array: np.ndarray) -> None:
    found = find_blocks(array)
    if found is None:
        assert not [length for length in range(4, 65) if array.size % length == 0]
        return
    back = found.array()
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "uint8"])
@pytest.mark.parametrize("shape", [(96, 64), (1, 90, 48), (50, 24, 3)])
@pytest.mark.parametrize("columns", [False, True])
def test_onnxruntime_gives_the_tensor_back_to_the_bit(
    shape: tuple[int, ...], dtype: str, columns: bool
) -> None:
    """Also where the blocks stand in columns, and where their number is no multiple of eight."""
    random = np.random.default_rng(1)
    array = random.integers(1, 100, shape).astype(dtype)
    rows = array.reshape(shape[0], -1).copy()
    for row in rows.T if columns else rows:
        row[: len(row) // 12 * 8] = 0x88 if dtype == "uint8" else 0
    array = rows.reshape(shape)
    value = ir.val("weight", const_value=ir.tensor(array, name="weight"))
    node = ir.node("Identity", [value])
    output = node.outputs[0]
    output.name, output.type, output.shape = "y", ir.TensorType(ir.DataType.from_numpy(array.dtype)), None
    graph = ir.Graph([], [output], nodes=[node], initializers=[value], opset_imports={"": 18}, name="g")
    model = ir.Model(graph, ir_version=8)
    saved = leave_blocks_out(model)
    if not columns or len(shape) == 2:
        assert saved["weight"] > array.nbytes // 2, "nothing was left out"
        assert [node.op_type for node in model.graph if node.domain == "edgernn"]
    session = onnxruntime.InferenceSession(ir.to_proto(model).SerializeToString())
    (found,) = session.run(None, {})
    np.testing.assert_array_equal(found, array)
    restore(model, factors=True)
    assert not model.functions
    np.testing.assert_array_equal(model.graph.initializers["weight"].const_value.numpy(), array)


@pytest.mark.parametrize("shape", [(96, 40), (40, 96), (2, 64, 64)])
def test_factors_give_the_matrix_back(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    left, right = (
        random.standard_normal((*shape[:-1], 5)),
        random.standard_normal((*shape[:-2], 5, shape[-1])),
    )
    array = (left @ right).astype(np.float32)
    found = find_factors(array)
    assert found is not None
    assert found[0].shape == (*shape[:-1], 5)
    assert found[1].shape == (*shape[:-2], 5, shape[-1])
    assert np.abs(found[0] @ found[1] - array).max() <= tolerance("float32", "float32") * np.abs(array).max()


def test_matrices_of_other_rank_are_left_alone() -> None:
    random = np.random.default_rng(0)
    assert find_factors(random.standard_normal((96, 40)).astype(np.float32)) is None
    # Of rank 30 two factors take more than the matrix; one singular value of a thousandth counts.
    left, right = random.standard_normal((96, 30)), random.standard_normal((30, 40))
    assert find_factors((left @ right).astype(np.float32)) is None
    nearly = np.eye(40, dtype=np.float32) * 1e-3
    nearly[0] = 1
    assert find_factors(nearly) is None
    assert find_factors(np.zeros((40, 40), np.float32)) is not None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("LSTM", {}),
        ("GRU", {"streaming": True}),
        ("GRU", {"recurrence": "scan", "streaming": True}),
        ("RNN", {"recurrence": "unrolled", "length": 6}),
        ("MinGRU", {"recurrence": "loop"}),
    ],
)
def test_a_network_in_a_form(way: str, cell: str, options: dict, tmp_path: Path) -> None:
    dense = Network(cell).eval()
    edgernn.export(dense, tmp_path / "dense.onnx", X, check=False, **options)
    assert not ir.load(tmp_path / "dense.onnx").functions
    model = WAYS[way](Network(cell)).eval()
    edgernn.export(model, tmp_path / "float32.onnx", X, **options)
    onnx.checker.check_model(str(tmp_path / "float32.onnx"), full_check=True)
    sizes = [(tmp_path / f"{name}.onnx").stat().st_size for name in ("float32", "dense")]
    assert sizes[0] < 0.55 * sizes[1]
    for scheme in ("int8", "int4", "fp16"):
        small = edgernn.quantize(tmp_path / "float32.onnx", tmp_path / "small.onnx", scheme=scheme)
        usual = edgernn.quantize(tmp_path / "dense.onnx", tmp_path / "usual.onnx", scheme=scheme)
        assert small.bytes_after < 0.9 * usual.bytes_after, scheme
        parity = edgernn.verify(model, tmp_path / "small.onnx", example_inputs=X)
        assert parity.passed, (scheme, parity.failures[:1])


@pytest.mark.parametrize("way", WAYS)
def test_the_same_bits_in_int8_stable(way: str, tmp_path: Path) -> None:
    """Its products want whole matrices, so that a low rank saves nothing there."""
    model = WAYS[way](Network("GRU")).eval()
    edgernn.export(model, tmp_path / "float32.onnx", X, streaming=True)
    edgernn.quantize(tmp_path / "float32.onnx", tmp_path / "stable.onnx", scheme="int8-stable")
    session = edgernn.load(tmp_path / "stable.onnx")
    whole = session.stream(2).push(X.numpy())
    stream = session.stream(2)
    parts = np.concatenate([stream.push(X[:, t : t + 1].numpy()) for t in range(X.shape[1])], axis=1)
    np.testing.assert_array_equal(whole, parts)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scheme", ["float32", "int8"])
def test_onnxruntime_restores_at_load(way: str, scheme: str, tmp_path: Path) -> None:
    model = WAYS[way](Network("GRU")).eval()
    edgernn.export(model, tmp_path / "float32.onnx", X, check=False)
    if scheme != "float32":
        edgernn.quantize(tmp_path / "float32.onnx", tmp_path / f"{scheme}.onnx", scheme=scheme)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(str(tmp_path / f"{scheme}.onnx"), options)
    optimized = onnx.load(tmp_path / "optimized.onnx")
    kinds = {node.op_type for node in optimized.graph.node}
    assert "GRU" in kinds
    assert not kinds & {"Gather", "CumSum", "BitShift", "Cast", "Reshape", "LowRank"}
    assert sum(node.op_type == "MatMul" for node in optimized.graph.node) <= 2, "the two linear layers"


def test_the_report_counts_what_is_left_out(tmp_path: Path) -> None:
    model = prune(Network("GRU")).eval()
    edgernn.export(model, tmp_path / "float32.onnx", X, check=False)
    report = edgernn.quantize(tmp_path / "float32.onnx", tmp_path / "int8.onnx", inline=True)
    after = sum(tensor.bytes_after for tensor in report.tensors)
    stored = sum(
        value.const_value.nbytes for value in ir.load(tmp_path / "int8.onnx").graph.initializers.values()
    )
    assert after <= stored <= after + 200
    plain = ir.load(tmp_path / "int8.onnx")
    assert not plain.functions
    assert {node.domain for node in plain.graph} == {""}
    assert edgernn.verify(model, tmp_path / "int8.onnx", example_inputs=X).passed


def test_what_nobody_pruned_stays_plain(tmp_path: Path) -> None:
    """Filters that are mostly zero are no reason for functions in a float32 file; in int8 they are there."""

    class Filtered(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("filters", torch.eye(40).repeat_interleave(2, 1))
            self.gru = nn.GRU(80, 96, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.gru(x @ self.filters)[0]

    model = Filtered().eval()
    edgernn.export(model, tmp_path / "float32.onnx", X, check=False)
    plain = ir.load(tmp_path / "float32.onnx")
    assert not plain.functions
    assert {node.domain for node in plain.graph} == {""}
    edgernn.quantize(tmp_path / "float32.onnx", tmp_path / "int8.onnx")
    assert any(node.op_type.startswith("Blocks") for node in ir.load(tmp_path / "int8.onnx").graph)
    assert edgernn.verify(model, tmp_path / "int8.onnx", example_inputs=X).passed


@pytest.mark.parametrize(("way", "part"), [("pruned", "_stored"), ("low rank", "_left")])
def test_damage_is_noticed(way: str, part: str, tmp_path: Path) -> None:
    """Negative control: verify fails where blocks stand elsewhere, or a factor is twice as large."""
    model = WAYS[way](Network("GRU")).eval()
    edgernn.export(model, tmp_path / "float32.onnx", X)
    damaged = onnx.load(tmp_path / "float32.onnx")
    changed = 0
    for tensor in damaged.graph.initializer:
        if tensor.name.endswith(part):
            values = onnx.numpy_helper.to_array(tensor)
            other = values[::-1].copy() if part == "_stored" else values * 2
            tensor.CopyFrom(onnx.numpy_helper.from_array(other, tensor.name))
            changed += 1
    assert changed
    onnx.save(damaged, tmp_path / "damaged.onnx")
    assert not edgernn.verify(model, tmp_path / "damaged.onnx", example_inputs=X).passed


def test_a_budget_of_a_network_of_low_rank(tmp_path: Path) -> None:
    """Each factor is chosen for with the layer that it belongs to."""
    model = lower_rank(Network("GRU")).eval()
    edgernn.export(model, tmp_path / "float32.onnx", X, check=False)
    report = edgernn.quantize(
        tmp_path / "float32.onnx", tmp_path / "small.onnx", scheme="int8", calibration=X.numpy(),
        budget="relative-error=0.02",
    )  # fmt: skip
    assert report.choice is not None
    assert report.choice.value <= 0.02
    assert edgernn.verify(model, tmp_path / "small.onnx", example_inputs=X).passed
