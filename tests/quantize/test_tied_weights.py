"""Vectors of an embedding that also weigh the scores are stored once, in few bits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import edgernn


class Tied(nn.Module):
    """A language model whose symbols' vectors weigh its scores; `added` also reads them as they are."""

    def __init__(self, added: bool = False) -> None:
        super().__init__()
        self.embedding = nn.Embedding(90, 32)
        self.gru = nn.GRU(32, 32, batch_first=True)
        self.added = added

    def forward(self, ids: Tensor) -> Tensor:
        y, _ = self.gru(self.embedding(ids))
        scores = nn.functional.linear(y, self.embedding.weight)
        return scores + (self.embedding.weight * y[0, 0]).sum(1) if self.added else scores


@pytest.mark.parametrize("scheme", ["int8", "int4", "fp16", "int8-stable"])
def test_they_are_quantized_with_all_their_readers(scheme: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    ids = torch.randint(0, 90, (2, 12))
    ids[0, :2] = torch.tensor([0, 89])
    model = Tied().eval()
    edgernn.export(model, tmp_path / "model.onnx", ids, streaming=True)
    report = edgernn.quantize(tmp_path / "model.onnx", tmp_path / "small.onnx", scheme=scheme)
    (embedding,) = [tensor for tensor in report.tensors if tensor.shape == (90, 32)]
    assert embedding.scheme != "float32"
    assert embedding.bytes_after < embedding.bytes_before
    parity = edgernn.verify(model, tmp_path / "small.onnx", example_inputs=ids)
    assert parity.passed, parity.failures


def test_they_stay_where_something_else_reads_them(tmp_path: Path) -> None:
    ids = torch.randint(0, 90, (2, 12))
    edgernn.export(Tied(added=True).eval(), tmp_path / "model.onnx", ids, check=False)
    report = edgernn.quantize(tmp_path / "model.onnx", tmp_path / "small.onnx")
    (embedding,) = [tensor for tensor in report.tensors if tensor.shape == (90, 32)]
    assert embedding.scheme == "float32"
    assert "something other than a weight matrix" in embedding.reason
