"""nn.LSTM with `proj_size`, whose h is smaller than its c: ONNX has no operator for it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import edgernn
from edgernn.errors import ExportError

from .networks import assert_same_as_torch, export, lengths_of

INPUT, CELL, OUTPUT = 3, 5, 2

# What torch says of its own kernel.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


class Tagger(nn.Module):
    """A head over every step, and the final states, of which c is larger than h."""

    def __init__(self, layers: int, both: bool) -> None:
        super().__init__()
        self.lstm = nn.LSTM(INPUT, CELL, layers, bidirectional=both, proj_size=OUTPUT, batch_first=True)
        self.head = nn.Linear(OUTPUT * (1 + both), 4)

    def forward(self, x: Tensor, h: Tensor | None = None, c: Tensor | None = None) -> dict[str, Any]:
        y, final = self.lstm(x, None if h is None else (h, c))
        return {"y": self.head(y), "final": final}

    def states(self, batch: int) -> tuple[Tensor, Tensor]:
        rows = self.lstm.num_layers * (1 + self.lstm.bidirectional)
        return torch.randn(rows, batch, OUTPUT), torch.randn(rows, batch, CELL)


class PackedTagger(Tagger):
    def forward(self, x: Tensor, lengths: Tensor) -> dict[str, Any]:  # type: ignore[override]
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        packed, final = self.lstm(packed)
        return {"y": self.head(pad_packed_sequence(packed, batch_first=True)[0]), "final": final}


@pytest.mark.parametrize(
    ("form", "layers", "both"),
    [
        ("scan", 3, True),
        pytest.param("loop", 1, True, marks=pytest.mark.slow),
        pytest.param("unrolled", 3, False, marks=pytest.mark.slow),
    ],
)
def test_states_are_given(form: str, layers: int, both: bool, tmp_path: Path) -> None:
    model, path = Tagger(layers, both), tmp_path / "model.onnx"
    dims = dict.fromkeys("hc", (None, "batch", None))
    export(model, path, torch.randn(2, 6, INPUT), *model.states(2), recurrence=form, dims=dims)
    sizes = [(1, 6), (5, 6)] if form == "unrolled" else [(1, 1), (5, 9)]
    assert_same_as_torch(
        path, model, *((torch.randn(*size, INPUT), *model.states(size[0])) for size in sizes)
    )


@pytest.mark.slow
def test_sequences_are_packed(tmp_path: Path) -> None:
    model, path = PackedTagger(3, both=True), tmp_path / "model.onnx"
    export(model, path, torch.randn(3, 6, INPUT), lengths_of(3, 6), recurrence="loop")
    calls = [(torch.randn(*size, INPUT), lengths_of(*size)) for size in ((5, 9), (2, 4))]
    assert_same_as_torch(path, model, *calls)


@pytest.mark.parametrize("layers", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_it_streams_and_export_proves_it(layers: int, tmp_path: Path) -> None:
    """`auto` writes a Scan; both states of their own size are carried; no warning is left to the user."""
    model, path = Tagger(layers, both=False), tmp_path / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        manifest = edgernn.export(model, path, torch.randn(1, 6, INPUT), streaming=True)
    assert {layer.recurrence for layer in manifest.layers} == {"scan"}
    assert [state.dims[-1] for state in manifest.states] == [OUTPUT, CELL] * layers
    assert manifest.parity["passed"] is True
    report = edgernn.verify(model, path)
    assert {"final states = torch", "stream = torch", "stream = numpy float64", "every state moves"} <= {
        check.name for check in report.checks
    }


def test_there_is_no_operator_for_it(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="ONNX has no operator for the cell ProjectedLSTM"):
        export(Tagger(1, False), tmp_path / "model.onnx", torch.randn(1, 6, INPUT), recurrence="op")
    assert not list(tmp_path.iterdir())
