"""What cannot stream is refused by name: the module, the reason, the way out; and no file is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import edgernn
from edgernn import Recurrent
from edgernn.errors import ExportError, StreamingError

X = torch.randn(1, 6, 3)


class Encoder(nn.Module):
    """The submodule at fault."""

    def __init__(self, function: Callable[..., Any], recurrent: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.lstm = recurrent
        self.score = nn.Linear(4, 1)
        self.position = nn.Parameter(torch.randn(1, 6, 4))

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(self, *inputs)


class Model(nn.Module):
    def __init__(self, function: Callable[..., Any], recurrent: nn.Module | None = None) -> None:
        super().__init__()
        self.encoder = Encoder(function, recurrent or nn.LSTM(3, 4, batch_first=True))

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(x)


class ModelOfTwo(Model):
    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        return self.encoder(x, other)


def refusal(tmp_path: Path, model: nn.Module, example: Any = X, **options: Any) -> str:
    with pytest.raises(StreamingError) as caught:
        edgernn.export(model, tmp_path / "model.onnx", example, streaming=True, **options)
    assert not list(tmp_path.iterdir())
    assert isinstance(caught.value, ExportError)
    return str(caught.value)


def attention(m: Encoder, x: Tensor) -> Tensor:
    y, _ = m.lstm(x)
    return torch.softmax(y @ y.transpose(1, 2), dim=-1) @ y


def pooled(m: Encoder, x: Tensor) -> Tensor:
    y, _ = m.lstm(x)
    return (torch.softmax(m.score(y), dim=1) * y).sum(1)


CASES: dict[str, tuple[Callable[..., Any], str, str]] = {
    "mean-over-time": (lambda m, x: m.lstm(x)[0].mean(1), "mean", r"y\[:, -1\]|streaming=False"),
    "softmax-over-time": (pooled, "softmax", "streaming=False"),
    "largest-over-time": (lambda m, x: m.lstm(x)[0].amax(1), "amax", "streaming=False"),
    "first-step": (lambda m, x: m.lstm(x)[0][:, 0], "time step 0", r"y\[:, -1\]"),
    "middle-step": (lambda m, x: m.lstm(x)[0][:, 2], "time step 2", r"y\[:, -1\]"),
    "slice-of-time": (
        lambda m, x: m.lstm(x)[0][:, 1:3],
        "steps of time|part of time",
        r"y\[:, -1\]|all steps",
    ),
    "attention": (attention, "time", "streaming=False"),
    "flip": (lambda m, x: m.lstm(x.flip(1))[0], "flip", "streaming=False"),
    "final-state-everywhere": (
        lambda m, x: m.lstm(x)[0] + m.lstm(x)[1][0].transpose(0, 1),
        "looks ahead",
        "before",
    ),
    "last-step-everywhere": (
        lambda m, x: m.lstm(x)[0] - m.lstm(x)[0][:, -1].unsqueeze(1),
        "looks ahead|time",
        "before|batch|y",
    ),
    "positions-from-a-table": (
        lambda m, x: m.lstm(x)[0] + m.position.repeat(1, 50, 1)[:, : x.shape[1]],
        "along time|position",
        "position|time",
    ),
    "time-flattened": (lambda m, x: m.lstm(x)[0].flatten(1), "time", "flatten|view|x"),
    "normalised-over-time": (
        lambda m, x: nn.functional.layer_norm(m.lstm(x)[0].transpose(1, 2), (x.shape[1],)),
        "layer_norm|time",
        "y|stream",
    ),
    "initial-state-from-the-input": (
        lambda m, x: m.lstm(x, (m.score(m.lstm(x)[0])[:, -1].unsqueeze(0).expand(1, -1, 4),) * 2)[0],
        "batch|state|look",
        ".",
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("chunk", [None, pytest.param(6, marks=pytest.mark.slow)])
def test_an_operation_over_all_time(name: str, chunk: int | None, tmp_path: Path) -> None:
    function, reason, way_out = CASES[name]
    message = refusal(tmp_path, Model(function), chunk=chunk)
    assert (
        message.startswith("module 'encoder' (Encoder) cannot stream: ") or "module 'encoder.lstm'" in message
    )
    told, _, advice = message.partition(". ")
    assert re.search(reason, told), message
    assert re.search(way_out, advice), message


def test_a_constant_for_each_of_a_number_of_steps(tmp_path: Path) -> None:
    """Such a module works for that number alone, streaming or not."""
    with pytest.raises(ExportError, match=r"time \(dimension 1 of 'x'\) cannot be free"):
        edgernn.export(
            Model(lambda m, x: m.lstm(x)[0] + m.position), tmp_path / "model.onnx", X, streaming=True
        )


@pytest.mark.parametrize(
    "recurrent",
    [
        nn.GRU(3, 4, batch_first=True, bidirectional=True),
        nn.LSTM(3, 4, num_layers=2, batch_first=True, bidirectional=True),
        Recurrent(edgernn.GRU(3, 4), bidirectional=True),
    ],
    ids=["gru", "lstm", "recurrent"],
)
def test_a_backward_direction_deep_in_the_model(recurrent: nn.Module, tmp_path: Path) -> None:
    message = refusal(tmp_path, Model(lambda m, x: m.lstm(x)[0], recurrent))
    assert message.startswith("module 'encoder.lstm' (")
    assert "its backward direction starts at the end of the input" in message
    assert "bidirectional=False" in message


def test_lengths(tmp_path: Path) -> None:
    model = ModelOfTwo(lambda m, x, n: m.lstm(x, None, n)[0], Recurrent(edgernn.LSTM(3, 4)))
    message = refusal(tmp_path, model, (X, torch.tensor([6])))
    assert message.startswith("module 'encoder.lstm' (")
    assert "it takes lengths" in message
    assert "reset the stream" in message


def test_a_state_that_is_an_input(tmp_path: Path) -> None:
    model = ModelOfTwo(lambda m, x, h: m.lstm(x, h)[0], nn.GRU(3, 4, batch_first=True))
    message = refusal(tmp_path, model, (X, torch.randn(1, 1, 4)), dims={"other": (None, "batch", None)})
    assert message.startswith("module 'encoder.lstm' (")
    assert "initial state" in message
    assert "without an initial state" in message


class Warm(edgernn.GRU):
    """Starts from an initial state of its own."""

    def initial_state(self, batch: int) -> tuple[Tensor, ...]:
        return (torch.full((batch, self.hidden_size), 0.5),)


def test_zeros_are_not_the_initial_state_of_every_cell(tmp_path: Path) -> None:
    """Zeros that the forward makes are let through, but not where the cell starts from something else."""

    def zeros(m: Encoder, x: Tensor) -> Tensor:
        return m.lstm(x, torch.zeros(1, x.shape[0], 4))[0]

    refusal(tmp_path, Model(zeros, Recurrent(Warm(3, 4))))
    manifest = edgernn.export(
        Model(zeros, Recurrent(edgernn.GRU(3, 4))), tmp_path / "model.onnx", X, streaming=True
    )
    assert manifest.parity["passed"] is True


def test_an_initial_state_of_its_own_is_in_the_manifest(tmp_path: Path) -> None:
    model = Model(lambda m, x: m.lstm(x)[0], Recurrent(Warm(3, 4), 2))
    manifest = edgernn.export(model, tmp_path / "model.onnx", X, streaming=True)
    assert [state.initial for state in manifest.states] == [0.5, 0.5]
    assert manifest.parity["passed"] is True


def test_a_module_without_time(tmp_path: Path) -> None:
    class NoTime(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x)

    assert "none of its inputs has a time dimension" in refusal(
        tmp_path, NoTime(), torch.randn(1, 3), dims={"x": ("batch", None)}
    )


def test_a_module_without_batch(tmp_path: Path) -> None:
    model = nn.LSTM(3, 4)
    message = refusal(tmp_path, model, torch.randn(6, 3), dims={"input": ("time", None)}, time_dim=0)
    assert "none of its inputs has a batch dimension" in message


def test_two_inputs_in_step(tmp_path: Path) -> None:
    """What is no refusal: several inputs with time stream together, and one without it stays."""

    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(5, 4, batch_first=True)

        def forward(self, x: Tensor, other: Tensor, speaker: Tensor) -> Tensor:
            y, _ = self.gru(torch.cat([x, other], -1))
            return y * torch.sigmoid(speaker).unsqueeze(1)

    model = Mixed()
    inputs = (X, torch.randn(1, 6, 2), torch.randn(1, 4))
    manifest = edgernn.export(
        model, tmp_path / "model.onnx", inputs, streaming=True, dims={"speaker": ("batch", None)}
    )
    assert manifest.parity["passed"] is True


class Declares(nn.Module):
    """Says itself why it cannot stream, though its operators could."""

    needs_whole_input = "its answer is for the whole recording. Ask for one at its end."

    def forward(self, x: Tensor) -> Tensor:
        return x + (x > 0).to(torch.float32)


def test_a_module_may_say_itself_why_it_cannot_stream(tmp_path: Path) -> None:
    said = (
        "module '0' (Declares) cannot stream: its answer is for the whole recording. Ask for one at its end."
    )
    assert refusal(tmp_path, nn.Sequential(Declares(), nn.Linear(3, 2))) == said


def test_booleans_that_become_numbers_stream(tmp_path: Path) -> None:
    class Silent(Declares):
        needs_whole_input = ""

    edgernn.export(Silent(), tmp_path / "model.onnx", X, streaming=True)
