"""Networks to quantize."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

import edgernn
from edgernn import Cell

X = torch.randn(2, 6, 24, generator=torch.Generator().manual_seed(0))


class Leaky(Cell):
    """A user's own cell, for which ONNX has no operator."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__(input_size, hidden_size)
        self.inner = nn.Linear(input_size + hidden_size, hidden_size)

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        (h,) = state
        h = 0.9 * h + 0.1 * torch.tanh(self.inner(torch.cat([x, h], dim=-1)))
        return h, (h,)


class Network(nn.Module):
    """A recurrent stack and a head; inputs (batch, time, 24), outputs (batch, time, 32)."""

    def __init__(self, cell: str = "lstm", layers: int = 1, bidirectional: bool = False, hidden: int = 32):
        super().__init__()
        torch.manual_seed(1)
        directions = 2 if bidirectional else 1
        if cell == "leaky":
            self.recurrent = edgernn.Recurrent(Leaky(24, hidden), layers, bidirectional)
        else:
            kind = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[cell]
            self.recurrent = kind(24, hidden, layers, batch_first=True, bidirectional=bidirectional)
        self.head = nn.Linear(hidden * directions, 32)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.recurrent(x)
        return self.head(y)


def exported(folder: Path, cell: str = "lstm", **options: object) -> tuple[Network, Path]:
    """The network, and its float32 file in `folder`; the options are the network's and the export's."""
    network = {"layers": 1, "bidirectional": False, "hidden": 32}
    network |= {key: options.pop(key) for key in list(options) if key in network}
    model = Network(cell, **network).eval()
    path = folder / "float.onnx"
    edgernn.export(model, path, X, check=False, **options)
    return model, path
