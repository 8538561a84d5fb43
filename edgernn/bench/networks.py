"""The networks that suites and peers are measured on: a recurrent layer and a linear head."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from edgernn.cells import Cell, find_cells
from edgernn.layers import Recurrent

HEAD_SIZE = 10
OWN_CELL = "user's cell"


class Leaky(Cell):
    """A cell as a user writes one: one method."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.inner = nn.Linear(input_size + hidden_size, hidden_size)

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """h moves a tenth of its way to where x and h pull it."""
        (h,) = state
        h = 0.9 * h + 0.1 * torch.tanh(self.inner(torch.cat([x, h], dim=-1)))
        return h, (h,)


class Network(nn.Module):
    """A recurrent layer with as many inputs as units, and a linear head on every step.

    Args:
        cell: "RNN", "LSTM" or "GRU", which are torch's; `OWN_CELL`; or the name of a cell of edgernn.
        size: units.
        layers: recurrent layers on top of each other.
    """

    def __init__(self, cell: str, size: int, layers: int = 1) -> None:
        super().__init__()
        if hasattr(nn, cell):
            self.recurrent: Any = getattr(nn, cell)(size, size, layers, batch_first=True)
        else:
            kind = Leaky if cell == OWN_CELL else find_cells()[cell]
            self.recurrent = Recurrent(kind(size, size), layers)
        self.head = nn.Linear(size, HEAD_SIZE)

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, time, size) → (batch, time, HEAD_SIZE)."""
        y: Tensor = self.head(self.recurrent(x)[0])
        return y


def make_network(cell: str, size: int, layers: int = 1) -> Network:
    """A `Network` in evaluation mode, with the same weights each time."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        return Network(cell, size, layers).eval()
