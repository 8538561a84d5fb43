"""Every scheme on cells that ONNX has no operator for, and what it saves on large ones."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import edgernn
from edgernn.cells import find_cells

STEPS = 6
SCHEMES = ("int8", "int8-stable", "int4", "fp16")


class Network(nn.Module):
    """Two layers of a cell and a linear head; inputs (batch, time, 40)."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.layers = edgernn.Recurrent(find_cells()[cell](40, 72), num_layers=2)
        self.head = nn.Linear(72, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layers(x)[0])


@pytest.fixture(scope="module")
def example() -> torch.Tensor:
    return torch.randn(2, STEPS, 40, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module", params=["LayerNormLSTM", "MinGRU", "FastGRNN"])
def cell(request):
    return request.param


@pytest.fixture(scope="module", params=[False, True], ids=["sequence", "streaming"])
def exported(request, cell, example, tmp_path_factory):
    """The network and its float32 file, written once for all schemes."""
    model = Network(cell).eval()
    path = tmp_path_factory.mktemp(cell) / "float.onnx"
    edgernn.export(model, path, example, streaming=request.param, check=False)
    return model, path


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_cell_in_a_scheme(exported, example, tmp_path, scheme):
    model, path = exported
    report = edgernn.quantize(path, tmp_path / "small.onnx", scheme=scheme, calibration=example.numpy())
    assert {tensor.name.split(".")[1] for tensor in report.quantized if "." in tensor.name} == {"l0", "l1"}
    parity = edgernn.verify(model, tmp_path / "small.onnx", example_inputs=example)
    assert parity.passed, parity.failures[:2]
    assert parity.max_relative_error > 1e-5, "nothing was rounded"


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
def test_sizes_of_layers_of_128_units(tmp_path, kind):
    model = kind(128, 128, batch_first=True).eval()
    source = tmp_path / "float.onnx"
    edgernn.export(model, source, torch.randn(1, STEPS, 128), streaming=True, check=False)
    for scheme, most in {"int8": 0.28, "int8-stable": 0.28, "int4": 0.17, "fp16": 0.53}.items():
        report = edgernn.quantize(source, tmp_path / f"{scheme}.onnx", scheme=scheme)
        assert report.ratio <= most, scheme
        assert report.bytes_after == (tmp_path / f"{scheme}.onnx").stat().st_size


class Alone(nn.Module):
    """One layer of a cell."""

    def __init__(self, cell: str, size: int) -> None:
        super().__init__()
        self.layer = edgernn.Recurrent(find_cells()[cell](size, size))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[0]


@pytest.mark.slow
@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("cell", ["RNN", "LayerNormLSTM", "MinGRU", "FastGRNN"])
def test_sizes_of_other_layers(tmp_path, cell, streaming):
    """Of 256 units: with 128, what is no weight is up to 0.02 of such a small file."""
    source = tmp_path / "float.onnx"
    model = Alone(cell, 256).eval()
    edgernn.export(model, source, torch.randn(1, STEPS, 256), streaming=streaming, check=False)
    for scheme, most in {"int8": 0.28, "int8-stable": 0.28, "int4": 0.17}.items():
        assert edgernn.quantize(source, tmp_path / "small.onnx", scheme=scheme).ratio <= most, scheme
