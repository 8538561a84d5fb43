"""What torch's exporter leaves undone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import edgernn
from edgernn.graph import translate as module


class Clamped(nn.Module):
    """One tensor bounded twice by a maximum and a minimum, each fused into a Clip by torch's exporter."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.gru = nn.GRU(6, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(x)
        both = [torch.clamp(torch.clamp(y, min=-low), max=low) for low in (0.1, 0.2)]
        return self.gru(torch.cat(both, dim=-1))[0]


@pytest.mark.parametrize("streaming", [False, True])
def test_two_fused_bounds_keep_their_constants(streaming: bool, tmp_path: Path) -> None:
    network, x = Clamped().eval(), torch.randn(2, 5, 3)
    path = tmp_path / "model.onnx"
    edgernn.export(network, path, x, streaming=streaming)
    found = edgernn.load(path).run(x.numpy())
    np.testing.assert_allclose(found, network(x).detach().numpy(), atol=1e-6)


def test_without_the_repair_the_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_keep_lost_constants", lambda graph: None)
    with pytest.raises(edgernn.EdgeRNNError, match="not valid ONNX"):
        edgernn.export(Clamped().eval(), tmp_path / "model.onnx", torch.randn(2, 5, 3))
