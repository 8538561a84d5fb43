"""Layers of one kind of which not all give the same outputs or take the same inputs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import edgernn


class Mixed(nn.Module):
    """A first LSTM whose final state is read, and a second one that runs over steps; one has lengths."""

    def __init__(self, lengths: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.lengths = lengths
        self.first = edgernn.Recurrent(edgernn.LSTM(40, 40))
        self.second = edgernn.Recurrent(edgernn.LSTM(40, 40), bidirectional=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        _, (h, _) = self.first(x, lengths=lengths)
        y, _ = self.second(x + h.transpose(0, 1), lengths=lengths if self.lengths else None)
        return y


@pytest.mark.parametrize("lengths", [True, False], ids=["outputs differ", "inputs differ too"])
@pytest.mark.parametrize("kernels", ["off", "auto"])
def test_each_layer_of_a_file_keeps_its_own_outputs(tmp_path: Path, lengths: bool, kernels: str) -> None:
    model = Mixed(lengths).eval()
    example = torch.randn(3, 6, 40), torch.tensor([6, 2, 4])
    edgernn.export(model, tmp_path / "f.onnx", example)
    edgernn.quantize(tmp_path / "f.onnx", tmp_path / "q.onnx")
    if kernels == "off":
        assert edgernn.verify(model, tmp_path / "q.onnx").passed
    session = edgernn.load(tmp_path / "q.onnx", kernels=kernels)
    given = torch.from_numpy(session.run(*(part.numpy() for part in example)))
    expected = model(*example).detach()
    assert float((given - expected).abs().max()) < 0.05 * float(expected.abs().max())
