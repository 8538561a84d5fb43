"""Recurrent cells that ONNX has no operator for, as functions: bodies, and what schemes make of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
import torch
from torch import Tensor, nn

import edgernn
from edgernn.cells import find_cells
from edgernn.errors import InputError, QuantizationError
from edgernn.kernels import SOURCE
from edgernn.quantize.kinds import kinds
from edgernn.quantize.kinds.base import EDGERNN, R, V
from edgernn.verify.report import output_scale

INPUTS, HIDDEN = 20, 36
# Cells by what begins the name of their function, with options of theirs.
CELLS = {
    "MinGRU": ("MinGRU", {}),
    "MinGRU positive": ("MinGRU", {"positive": True}),
    "MinLSTM": ("MinLSTM", {"bias": False}),
    "LayerNormLSTM": ("LayerNormLSTM", {}),
    "LayerNormLSTM without bias": ("LayerNormLSTM", {"bias": False}),
    "LayerNormGRU": ("LayerNormGRU", {}),
    "IndRNN": ("IndRNN", {}),
    "IndRNN tanh": ("IndRNN", {"activation": "tanh"}),
    "SRU": ("ProjectedSRU", {"activation": "tanh"}),
    "FastGRNN": ("FastGRNN", {"bias": False}),
    "ProjectedLSTM": ("ProjectedLSTM", {"cell_size": 50}),
}


class Network(nn.Module):
    """A layer of a cell, and one on top of it whose input and hidden sizes are the same."""

    def __init__(self, cell: str, layers: int = 2, bidirectional: bool = False, **options: object) -> None:
        super().__init__()
        torch.manual_seed(2)
        kind = find_cells()[cell.split()[0]]
        self.layers = edgernn.Recurrent(kind(INPUTS, HIDDEN, **options), layers, bidirectional=bidirectional)
        with torch.no_grad():
            for parameter in self.layers.parameters():
                if parameter.dim() == 1:
                    parameter.add_(
                        0.2 * torch.randn_like(parameter)
                    )  # biases that start as zeros, gains as ones

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        y: Tensor = self.layers(x, lengths=lengths)[0]
        return y


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[nn.Module, Path]]:
    """`exported(cell)`: a network of two layers and its streaming file of functions."""
    folder, made = tmp_path_factory.mktemp("kinds"), {}

    def get(cell: str) -> tuple[nn.Module, Path]:
        if cell not in made:
            model, path = Network(cell, **CELLS[cell][1]).eval(), folder / f"{cell.replace(' ', '_')}.onnx"
            edgernn.export(model, path, torch.randn(1, 5, INPUTS), streaming=True, kernels=True, check=False)
            made[cell] = model, path
        return made[cell]

    return get


def functions_of(path: Path) -> list[str]:
    """Names of the functions that the graph calls."""
    return [node.op_type for node in ir.load(path).graph if node.domain == EDGERNN]


@pytest.mark.parametrize("cell", CELLS)
def test_a_function_streams_as_torch_computes(
    exported: Callable[[str], tuple[nn.Module, Path]], cell: str
) -> None:
    """Sequences and chunks, from zeros and from drawn states, float64 too: `verify` as for any file."""
    model, path = exported(cell)
    names = functions_of(path)
    assert len(names) == 2
    assert names[0].startswith(f"{CELLS[cell][0]}_float32")
    assert not {"Scan", "Loop"} & {node.op_type for node in ir.load(path).graph}
    report = edgernn.verify(model, path)
    assert report.passed, report.failures[:2]


@pytest.mark.parametrize("cell", ["MinGRU positive", "LayerNormLSTM", "SRU", "ProjectedLSTM"])
def test_a_function_of_both_directions_and_lengths(cell: str, tmp_path: Path) -> None:
    model = Network(cell, layers=1, bidirectional=True, **CELLS[cell][1]).eval()
    path = tmp_path / "both.onnx"
    example = (torch.randn(2, 6, INPUTS), torch.tensor([6, 3]))
    edgernn.export(model, path, example, kernels=True, check=False)
    (name,) = functions_of(path)
    assert name.startswith(f"{CELLS[cell][0]}_float32_bidirectional")
    x, lengths = torch.randn(4, 11, INPUTS), torch.tensor([11, 1, 7, 2])
    with torch.no_grad():
        wanted = model(x, lengths).numpy()
    found = edgernn.load(path, kernels="off").run(x.numpy(), lengths.numpy())
    assert np.abs(found - wanted).max() / output_scale(wanted) < 1e-5


@pytest.mark.parametrize(
    ("scheme", "options", "called"),
    [
        ("int8", {}, {"MinGRU_int8"}),
        ("int8-stable", {}, {"MinGRU_int8_stable"}),
        ("int4", {"block_size": 16}, {"MinGRU_int4_16", "MinGRU_int8"}),
        ("fp16", {}, {"MinGRU_float32", "Weight_fp16"}),
        ("fp16", {"compute": "half"}, set()),
    ],
)
def test_what_a_scheme_makes_of_a_function(
    exported: Callable[[str], tuple[nn.Module, Path]],
    tmp_path: Path,
    scheme: str,
    options: dict[str, object],
    called: set[str],
) -> None:
    model, path = exported("MinGRU")
    report = edgernn.quantize(path, tmp_path / "small.onnx", scheme=scheme, options=options)
    assert set(functions_of(tmp_path / "small.onnx")) - {"Weight_int8"} <= called
    assert called & set(functions_of(tmp_path / "small.onnx")) or not called
    assert {tensor.name for tensor in report.quantized} >= {"layers.l0.W", "layers.l1.W"}
    parity = edgernn.verify(model, tmp_path / "small.onnx")
    assert parity.passed, parity.failures[:2]
    assert parity.max_relative_error > 1e-5, "nothing was rounded"


def test_a_layer_that_is_kept_stays_a_function_of_float32(
    exported: Callable[[str], tuple[nn.Module, Path]], tmp_path: Path
) -> None:
    model, path = exported("LayerNormLSTM")
    keep = [next(node.name for node in ir.load(path).graph if node.domain == EDGERNN)]
    edgernn.quantize(path, tmp_path / "mixed.onnx", keep=keep)
    names = functions_of(tmp_path / "mixed.onnx")
    assert [name.split("_")[1] for name in names] == ["float32", "int8"]
    assert edgernn.verify(model, tmp_path / "mixed.onnx").passed


def test_for_runtimes_that_know_no_functions_it_is_a_scan(
    exported: Callable[[str], tuple[nn.Module, Path]], tmp_path: Path
) -> None:
    _, path = exported("FastGRNN")
    edgernn.quantize(path, tmp_path / "plain.onnx", inline=True)
    assert functions_of(tmp_path / "plain.onnx") == []
    assert "Scan" in {node.op_type for node in ir.load(tmp_path / "plain.onnx").graph}


def test_a_scheme_that_looks_into_recurrences_refuses_one(
    exported: Callable[[str], tuple[nn.Module, Path]], tmp_path: Path
) -> None:
    with pytest.raises(QuantizationError, match="the graph has MinGRU nodes"):
        edgernn.quantize(exported("MinGRU")[1], tmp_path / "static.onnx", scheme="int8-static")


def test_cells_without_a_function(tmp_path: Path) -> None:
    """Of low rank, changed by the user, or the user's own."""

    class Doubled(find_cells()["MinGRU"]):  # type: ignore[misc]
        def coefficients(self, blocks: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
            a, b = super().coefficients(blocks)
            return a, 2 * b

    assert find_cells()["MinGRU"](3, 4).kernel_operator() is not None
    assert Doubled(3, 4).kernel_operator() is None
    assert find_cells()["FastGRNN"](3, 4, recurrent_rank=2).kernel_operator() is None
    assert find_cells()["LSTM"](3, 4).kernel_operator() is None  # ONNX has an operator
    model = edgernn.Recurrent(Doubled(INPUTS, HIDDEN))
    with pytest.raises(InputError, match="no recurrent layer that they could take over"):
        edgernn.export(model, tmp_path / "own.onnx", torch.randn(1, 5, INPUTS), kernels=True, check=False)


def test_control_a_body_with_another_gate_order_is_seen(
    exported: Callable[[str], tuple[nn.Module, Path]], tmp_path: Path
) -> None:
    model, path = exported("LayerNormGRU")
    broken = ir.load(path)
    weight = broken.graph.initializers["layers.l0.R"]
    assert weight.const_value is not None
    z, r, n = np.split(weight.const_value.numpy(), 3, axis=1)
    weight.const_value = ir.tensor(np.concatenate([r, z, n], axis=1), name=weight.name)
    ir.save(broken, tmp_path / "broken.onnx")
    assert not edgernn.verify(model, tmp_path / "broken.onnx").passed


def test_every_cell_of_the_library_has_an_operator_or_a_function() -> None:
    for name, cell in find_cells().items():
        made = cell(4, 6)
        operator = made.onnx_operator() or made.kernel_operator()
        assert operator is not None, name
        assert operator.op_type in kinds(), name


def test_kinds_are_the_same_in_python_and_in_the_kernels() -> None:
    lines = [
        line.strip(" {},").replace('"', "").split(", ")
        for line in (SOURCE / "kinds.h").read_text().splitlines()
        if line.strip().startswith("{Kind::")
    ]
    found = {name: rest for _, name, *rest in lines}
    assert set(found) == set(kinds())
    for name, kind in kinds().items():
        facts = [kind.gates, R in kind.matrices, kind.states == 2, V in kind.matrices, sum(kind.vectors)]
        gates, recurrent, cell, projects, vectors, _, usual = found[name]
        assert [int(gates), *(word == "true" for word in (recurrent, cell, projects)), int(vectors)] == facts
        if kind.activations:
            assert usual == f"Activation::k{kind.activations[0]}"
