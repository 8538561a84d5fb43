"""torch's recurrent modules in every combination of arguments, in the shape of torch's own exporter tests.

Each network is exported once at one batch and length, and the file is run at others, outputs and final states
included.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from .networks import assert_same_as_torch, export, lengths_of

INPUT, HIDDEN = 3, 4
EXAMPLE = (7, 5)  # batch and steps at export
RUNS = ((8, 5), (8, 9), (1, 2))

Lengths = Literal["none", "packed", "packed_batch_first"]


@dataclass(frozen=True)
class Case:
    """One combination."""

    kind: str
    layers: int
    bidirectional: bool
    given_state: bool
    lengths: Lengths
    dropout: float
    bias: bool = True
    proj_size: int = 0

    def __str__(self) -> str:
        directions = "both" if self.bidirectional else "forward"
        state = "state" if self.given_state else "zero"
        extra = ("" if self.bias else "-no_bias") + (f"-proj{self.proj_size}" if self.proj_size else "")
        return f"{self.kind}-{self.layers}-{directions}-{state}-{self.lengths}-{self.dropout}{extra}"

    @property
    def batch_first(self) -> bool:
        return self.lengths != "packed"

    def module(self) -> nn.RNNBase:
        options: dict[str, Any] = {
            "num_layers": self.layers, "bidirectional": self.bidirectional, "dropout": self.dropout,
            "batch_first": self.batch_first, "bias": self.bias,
        }  # fmt: skip
        if self.proj_size:
            options["proj_size"] = self.proj_size
        if self.kind.startswith("rnn"):
            return nn.RNN(INPUT, HIDDEN, nonlinearity=self.kind.removeprefix("rnn_"), **options)
        return {"lstm": nn.LSTM, "gru": nn.GRU}[self.kind](INPUT, HIDDEN, **options)

    def inputs(self, batch: int, steps: int) -> tuple[Tensor, ...]:
        """x, then lengths, then states, as far as the case has them."""
        x = torch.randn((batch, steps, INPUT) if self.batch_first else (steps, batch, INPUT))
        rows = self.layers * (2 if self.bidirectional else 1)
        sizes = [self.proj_size or HIDDEN] + [HIDDEN] * (self.kind == "lstm")
        states = [torch.randn(rows, batch, size) for size in sizes] if self.given_state else []
        lengths = [] if self.lengths == "none" else [lengths_of(batch, steps)]
        return (x, *lengths, *states)

    def options(self) -> dict[str, Any]:
        """What export needs to know of the layout."""
        states = dict.fromkeys(("h", "c")[: 1 + (self.kind == "lstm")], (None, "batch", None))
        return {
            "time_dim": 1 if self.batch_first else 0,
            "dims": states if self.given_state else None,
        }


class Plain(nn.Module):
    """x, with or without states, to y and the final states."""

    def __init__(self, recurrent: nn.RNNBase) -> None:
        super().__init__()
        self.recurrent = recurrent

    def forward(self, x: Tensor, h: Tensor | None = None, c: Tensor | None = None) -> Any:
        return self.recurrent(x, h if c is None else (h, c))


class Packed(nn.Module):
    """The same through a packed sequence."""

    def __init__(self, recurrent: nn.RNNBase) -> None:
        super().__init__()
        self.recurrent = recurrent

    def forward(
        self, x: Tensor, lengths: Tensor, h: Tensor | None = None, c: Tensor | None = None
    ) -> dict[str, Any]:
        first = self.recurrent.batch_first
        packed = pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=False)
        packed, final = self.recurrent(packed, h if c is None else (h, c))
        y, ends = pad_packed_sequence(packed, batch_first=first)
        return {"y": y, "final": final, "ends": ends}


MATRIX = [
    Case(*combination)
    for combination in itertools.product(
        ("rnn_relu", "rnn_tanh", "lstm", "gru"),
        (1, 3),
        (False, True),
        (False, True),
        ("none", "packed", "packed_batch_first"),
        (0.2, 0.0),
    )
]
BESIDE = [
    Case(kind, 2, True, given_state, lengths, 0.0, bias, proj_size)
    for kind, bias, proj_size in (
        ("rnn_relu", False, 0), ("rnn_tanh", False, 0), ("lstm", False, 0), ("gru", False, 0),
        ("lstm", True, 2), ("lstm", False, 2),
    )
    for given_state, lengths in ((False, "none"), (True, "packed"))
]  # fmt: skip


def is_fast(case: Case, form: str) -> bool:
    """A few that differ in everything; the others are for the long run."""
    return case in (
        [MATRIX[2], MATRIX[62], MATRIX[95], MATRIX[115], MATRIX[140], MATRIX[187]]
        if form == "op"
        else [MATRIX[44], MATRIX[133]]
    )


def parameters(cases: list[Case], forms: tuple[str, ...]) -> list[Any]:
    return [
        pytest.param(case, form, id=f"{form}-{case}", marks=marks(case, form))
        for form in forms
        for case in cases
    ]


def marks(case: Case, form: str) -> list[Any]:
    return [] if is_fast(case, form) else [pytest.mark.slow]


def test_the_matrix_is_whole() -> None:
    assert len(MATRIX) == len(set(MATRIX)) == 192


@pytest.mark.filterwarnings("ignore:dropout option adds dropout after all but last:UserWarning")
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")
@pytest.mark.parametrize(
    ("case", "form"), [*parameters(MATRIX, ("op", "scan")), *parameters(BESIDE, ("auto", "scan"))]
)
def test_a_file_runs_at_every_size(case: Case, form: str, tmp_path: Path) -> None:
    network = (Plain if case.lengths == "none" else Packed)(case.module())
    path = tmp_path / "model.onnx"
    manifest = export(network, path, *case.inputs(*EXAMPLE), recurrence=form, **case.options())
    if form != "auto":
        assert manifest.recurrence == form
    assert len(manifest.layers) == case.layers
    assert_same_as_torch(path, network, *(case.inputs(*sizes) for sizes in RUNS))
