"""What would take more bytes than before stays as it is, and the report says so."""

from __future__ import annotations

from pathlib import Path

import onnx_ir as ir
import pytest
import torch
from torch import Tensor, nn

import edgernn


class Narrow(nn.Module):
    """A series of single numbers: matrices with one column, and with as many as units."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.into = nn.Linear(1, 300)
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden + 300, 16)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.cat([self.lstm(x)[0], self.into(x)], -1))


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, Path]:
    model = Narrow(128).eval()
    path = tmp_path_factory.mktemp("narrow") / "float.onnx"
    edgernn.export(model, path, torch.randn(1, 5, 1), check=False)
    return model, path


@pytest.mark.parametrize("scheme", ["int8", "int4", "int8-stable", "fp16"])
def test_no_weight_of_a_file_takes_more_than_before(
    narrow: tuple[nn.Module, Path], scheme: str, tmp_path: Path
) -> None:
    model, path = narrow
    report = edgernn.quantize(path, tmp_path / "small.onnx", scheme=scheme)
    by_reader: dict[str, list[int]] = {}
    for tensor in report.quantized:
        sizes = by_reader.setdefault(tensor.used_by, [0, 0])
        sizes[0] += tensor.bytes_before
        sizes[1] += tensor.bytes_after
    assert by_reader
    assert all(after < before for before, after in by_reader.values()), by_reader
    assert edgernn.verify(model, tmp_path / "small.onnx").passed


def test_the_reason_names_the_bytes(narrow: tuple[nn.Module, Path], tmp_path: Path) -> None:
    """A column of 300 in int8 would be 300 bytes and 300 scales of four."""
    report = edgernn.quantize(narrow[1], tmp_path / "int8.onnx")
    reasons = {tensor.shape: tensor.reason for tensor in report.left}
    assert reasons[1, 300] == "int8 would take 1500 bytes for its 1200"


def test_w_goes_with_r_where_both_together_save(narrow: tuple[nn.Module, Path], tmp_path: Path) -> None:
    """One function node: W grows by 512 bytes, R shrinks by 194,560."""
    report = edgernn.quantize(narrow[1], tmp_path / "int8.onnx")
    (w, r) = [tensor for tensor in report.quantized if "lstm" in tensor.used_by]
    assert (w.bytes_before, w.bytes_after) == (2048, 2560)
    assert r.bytes_after < 0.3 * r.bytes_before
    assert any(node.op_type.startswith("LSTM_int8") for node in ir.load(tmp_path / "int8.onnx").graph)


def test_int4_leaves_a_column_out(narrow: tuple[nn.Module, Path], tmp_path: Path) -> None:
    """A block of 32 for one weight: 18 bytes for its four."""
    report = edgernn.quantize(narrow[1], tmp_path / "int4.onnx", scheme="int4")
    schemes = {tensor.shape: tensor.scheme for tensor in report.tensors}
    assert schemes[1, 512, 1] == "float32"
    assert schemes[1, 512, 128] == "int4"
    assert report.ratio < 0.25
