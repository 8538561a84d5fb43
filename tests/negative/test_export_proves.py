"""`export` compares before it writes: a form that is wrong leaves no file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx_ir as ir
import pytest
import torch
from torch import Tensor, nn

import edgernn
from edgernn import LSTM, Recurrent
from edgernn.cells import OnnxOperator
from edgernn.errors import ParityError
from edgernn.graph.recurrence import Site, scan


class PermutedGates(LSTM):
    """Says that its gates stand in ONNX's order as they are: the mistake of every second exporter."""

    onnx_op_type = "LSTM"
    onnx_gate_order = (0, 1, 2, 3)

    def onnx_operator(self) -> OnnxOperator | None:
        return super().onnx_operator()


class Head(nn.Module):
    def __init__(self, cell: Any) -> None:
        super().__init__()
        self.recurrent = Recurrent(cell)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.recurrent(x)[0])


@pytest.mark.parametrize("streaming", [False, True])
def test_a_cell_with_a_wrong_gate_order_is_not_exported(streaming: bool, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    with pytest.raises(ParityError, match=r"checks failed: .*relative error"):
        edgernn.export(
            Head(PermutedGates(3, 4)), path, torch.randn(1, 5, 3), recurrence="op", streaming=streaming
        )
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_a_form_that_forgets_the_direction_is_not_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = scan._run

    def forward_only(direction: Any) -> Any:
        return right(type(direction)(**{**vars(direction), "reverse": False}))

    def write(site: Site) -> Sequence[ir.Value]:
        return scan.write_stepwise(site, forward_only)

    monkeypatch.setattr(scan, "write", write)
    module = Recurrent(edgernn.GRU(3, 4), bidirectional=True)
    with pytest.raises(ParityError):
        edgernn.export(module, tmp_path / "model.onnx", torch.randn(1, 5, 3), recurrence="scan")
    assert not list(tmp_path.iterdir())


def test_without_the_check_nothing_is_claimed(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    module = Head(PermutedGates(3, 4))
    manifest = edgernn.export(module, path, torch.randn(1, 5, 3), recurrence="op", check=False)
    assert manifest.parity == {}
    assert edgernn.load(path).manifest.parity == {}
    assert not edgernn.verify(module, path).passed


def test_the_proof_stands_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    manifest = edgernn.export(Head(LSTM(3, 4)), path, torch.randn(1, 5, 3))
    assert manifest.parity["passed"] is True
    assert manifest.parity["checks"] >= 3
    assert 0 < manifest.parity["max_relative_error"] < 1e-5
    assert edgernn.load(path).manifest.parity == manifest.parity
