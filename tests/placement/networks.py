"""Networks and files that the tests of placement share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import edgernn
from edgernn.cells import find_cells

FEATURES, HIDDEN, STEPS = 3, 8, 4


class Net(nn.Module):
    """A recurrent layer and a linear head."""

    def __init__(self, recurrent: nn.Module, width: int = HIDDEN) -> None:
        super().__init__()
        self.recurrent = recurrent
        self.head = nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.recurrent(x)[0])
        return y


def of_torch(kind: str, hidden: int = HIDDEN, **options: Any) -> Net:
    """nn.RNN, nn.LSTM or nn.GRU."""
    torch.manual_seed(0)
    width = hidden * (2 if options.get("bidirectional") else 1)
    return Net(getattr(nn, kind)(FEATURES, hidden, batch_first=True, **options), width).eval()


def of_cell(name: str, **options: Any) -> Net:
    """A cell of the library."""
    torch.manual_seed(0)
    return Net(edgernn.Recurrent(find_cells()[name](FEATURES, HIDDEN, **options))).eval()


def example() -> Tensor:
    """Inputs."""
    return torch.randn(1, 10, FEATURES, generator=torch.Generator().manual_seed(0))


def export(folder: Path, name: str, model: nn.Module, **options: Any) -> Path:
    """Export without the parity check, which other tests are for."""
    edgernn.export(model, folder / name, example(), check=False, **options)
    return folder / name


def quantized(source: Path, scheme: str) -> Path:
    """The file in a scheme, beside it."""
    target = source.with_suffix(f".{scheme}.onnx")
    edgernn.quantize(source, target, scheme=scheme)
    return target


# Five files, as different as placement sees them: operator, scan, unrolled, states outside, functions inside.
FILES: dict[str, Callable[[Path], Path]] = {
    "gru": lambda folder: export(folder, "gru.onnx", of_torch("GRU")),
    "lstm_stream": lambda folder: export(folder, "lstm.onnx", of_torch("LSTM"), streaming=True),
    "scan": lambda folder: export(folder, "scan.onnx", of_cell("IndRNN"), recurrence="scan"),
    "unrolled": lambda folder: export(
        folder, "unrolled.onnx", of_torch("GRU", bidirectional=True), recurrence="unrolled", length=STEPS
    ),
    "int8": lambda folder: quantized(export(folder, "wide.onnx", of_torch("RNN", 24)), "int8"),
}
