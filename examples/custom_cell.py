"""A recurrent cell of your own, from its equations to a stream on a device. Copy this, change the cell.

    python examples/custom_cell.py [FOLDER]

The cell is a leaky integrator with a gate: each unit remembers at a speed of its own and an input gate says
how much of the new value gets in.

    g_t = σ(W_g [x_t, h_{t-1}] + b_g)
    n_t = tanh(W_n [x_t, h_{t-1}] + b_n)
    h_t = λ ⊙ h_{t-1} + (1 − λ) ⊙ g_t ⊙ n_t        λ = σ(a), learned, one for each unit

It learns to say, at each time, whether the sum of a noisy signal so far is positive. Then it is written as
ONNX in every form that a cell without an ONNX operator of its own has, each file is compared with torch, and
one of them runs as a stream. Needs `pip install 'edgernn[export]'`; takes about half a minute.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import edgernn


class LeakyCell(edgernn.Cell):
    """The equations above: a step is all that a cell must say."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.gate = nn.Linear(input_size + hidden_size, hidden_size)
        self.new = nn.Linear(input_size + hidden_size, hidden_size)
        self.leak = nn.Parameter(torch.linspace(0.0, 4.0, hidden_size))  # λ from 0.5 to 0.98

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        (h,) = state
        both = torch.cat([x, h], dim=-1)
        keep = torch.sigmoid(self.leak)
        h = keep * h + (1 - keep) * torch.sigmoid(self.gate(both)) * torch.tanh(self.new(both))
        return h, (h,)


class Network(nn.Module):
    """Two layers of the cell and a linear layer on every step."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrent = edgernn.Recurrent(LeakyCell(1, 16), num_layers=2)
        self.head = nn.Linear(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.recurrent(x)
        return self.head(y)


def batch_of_signals() -> tuple[Tensor, Tensor]:
    """Noise (64, 30, 1), and whether its sum so far is positive."""
    x = torch.randn(64, 30, 1)
    return x, (x.cumsum(dim=1) > 0).float()


def train(network: Network, steps: int = 150) -> float:
    """A few steps of Adam; gives the accuracy on signals that it never saw."""
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(steps):
        x, positive = batch_of_signals()
        loss = nn.functional.binary_cross_entropy_with_logits(network(x), positive)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        x, positive = batch_of_signals()
        return float(((network(x) > 0) == (positive > 0)).float().mean())


def export_all_forms(network: Network, folder: Path) -> None:
    """Write and check every form. `export` raises where a file does not compute what the network computes."""
    example = torch.randn(1, 30, 1)
    for recurrence in ("scan", "loop", "unrolled"):
        for streaming in (False, True):
            path = folder / f"{recurrence}{'-streaming' if streaming else ''}.onnx"
            edgernn.export(
                network,
                path,
                example,
                recurrence=recurrence,
                streaming=streaming,
                # Plain operators need a fixed number of steps: the example's 30, or one chunk's.
                chunk=5 if streaming and recurrence == "unrolled" else None,
            )
            report = edgernn.verify(network, path, raise_on_failure=True)
            size = f"{path.stat().st_size / 1024:6.1f} KiB"
            found = f"{len(report.checks):3d} checks passed, largest difference {report.max_abs_error:.1e}"
            print(f"{path.name:<24}{size}  {found}")


def stream(network: Network, path: Path) -> None:
    """Push one sample after the other, as they come from a sensor; the states stay inside."""
    x, _ = batch_of_signals()
    samples = x[:1].numpy()
    running = edgernn.load(path).stream()
    pushed = np.concatenate([running.push(samples[:, t : t + 1]) for t in range(samples.shape[1])], axis=1)
    with torch.no_grad():
        whole = network(x[:1]).numpy()
    print(f"30 pushes of one sample differ from the whole sequence by {np.abs(pushed - whole).max():.1e}")


def main(folder: Path) -> None:
    torch.manual_seed(0)
    network = Network()
    accuracy = train(network)
    print(f"trained: {accuracy:.0%} of new steps right")
    export_all_forms(network, folder)
    stream(network, folder / "scan-streaming.onnx")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
