"""What `export` refuses: before it writes, by name, and with a way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import edgernn
from edgernn import GRU, LSTM, RNN, Recurrent
from edgernn.errors import EdgeRNNError, InputError

from .protos import Head

X = torch.randn(1, 5, 3)


class OwnCell(LSTM):
    def recur(self, projected: Tensor, state: tuple[Tensor, ...]) -> Any:
        output, state = super().recur(projected, state)
        return output * 2, state


class Function(nn.Module):
    """A forward written as a function of a GRU and the input."""

    def __init__(self, function: Callable[[nn.Module, Tensor], Any]) -> None:
        super().__init__()
        self.function = function
        self.gru = nn.GRU(3, 4, batch_first=True)

    def forward(self, x: Tensor) -> Any:
        return self.function(self.gru, x)


def refused(tmp_path: Path, module: Any, example: Any = X, name: str = "model.onnx", **options: Any) -> str:
    """The message of the refusal; nothing may be left in the folder."""
    with pytest.raises(EdgeRNNError) as caught:
        edgernn.export(module, tmp_path / name, example, **options)
    assert not list(tmp_path.iterdir())
    return f"{caught.type.__name__}: {caught.value}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"recurrence": "unroll"},
            "InputError: recurrence: 'unroll' is unknown; use one of ['auto', 'loop', 'op'",
        ),
        ({"recurrence": "site"}, "InputError: recurrence: 'site' is unknown"),
        ({"opset": 17}, "InputError: opset: 17; use 18 to 23"),
        ({"opset": 24}, "InputError: opset: 24; use 18 to 23"),
        ({"opset": "18"}, "InputError: opset: '18'"),
        ({"opset": True}, "InputError: opset: True"),
        ({"name": "model.pt"}, "must end in .onnx"),
        ({"chunk": 4}, "InputError: chunk: only a streaming graph takes chunks; pass streaming=True"),
        ({"streaming": True, "chunk": 0}, "InputError: chunk: must be an integer ≥ 1, found 0"),
        ({"streaming": True, "chunk": True}, "InputError: chunk: must be an integer ≥ 1, found True"),
        ({"streaming": True, "length": 4}, "InputError: length: a streaming graph has no length"),
        ({"length": 2.0}, "InputError: length: must be an integer ≥ 1, found 2.0"),
        ({"time_dim": 3}, "InputError: time_dim: 3, but input 'x' has shape (1, 5, 3)"),
        ({"time_dim": -1}, "InputError: time_dim: -1"),
        ({"dims": {"y": ("batch",)}}, "InputError: dims: 'y' is no input; the inputs are ['x']"),
        ({"dims": {"x": ("batch", "time")}}, "InputError: dims['x']: 2 names for 3 dimensions"),
        ({"output_names": ["a", "b"]}, "InputError: output_names: 2 names for 1 outputs ['output']"),
        ({"metadata": {"colour": 1}}, "InputError: metadata: 'colour' is unknown; use ["),
    ],
)
def test_a_wrong_argument(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    assert message in refused(tmp_path, Head(nn.GRU(3, 4, batch_first=True)), **options)


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ((), "InputError: example_inputs: must be a tensor or a tuple of tensors, found []"),
        ([[1.0, 2.0]], "InputError: example_inputs: must be a tensor or a tuple of tensors, found ['list']"),
        ((X, X), "InputError: example_inputs: 2 tensors, but Head.forward takes ['x']"),
        (torch.zeros(1, 0, 3), "InputError: example_inputs: 'x' is empty, shape (1, 0, 3)"),
        (
            torch.zeros(1, 5, 4),
            "InputError: example_inputs: the module fails on inputs of shapes [(1, 5, 4)]",
        ),
        (torch.zeros(5), "InputError: example_inputs: the module fails on inputs of shapes"),
    ],
)
def test_a_wrong_example(example: Any, message: str, tmp_path: Path) -> None:
    assert message in refused(tmp_path, Head(nn.GRU(3, 4, batch_first=True)), example)


def test_what_is_no_module(tmp_path: Path) -> None:
    assert "InputError: model: must be a torch.nn.Module, found str" in refused(tmp_path, "model.pt")


@pytest.mark.parametrize("streaming", [False, True])
def test_a_cell_without_an_operator(streaming: bool, tmp_path: Path) -> None:
    message = refused(tmp_path, Head(Recurrent(OwnCell(3, 4))), recurrence="op", streaming=streaming)
    assert "ExportError: layer 'recurrent.l0' cannot be written as 'op'" in message
    assert "no operator for the cell OwnCell" in message
    assert "recurrence='auto' or 'scan'" in message


def test_an_operator_is_never_written_for_changed_equations(tmp_path: Path) -> None:
    """A subclass of LSTM is not an LSTM: `auto` takes scan, and the file computes the subclass."""
    manifest = edgernn.export(Head(Recurrent(OwnCell(3, 4))), tmp_path / "model.onnx", X)
    assert manifest.recurrence == "scan"
    assert manifest.parity["passed"] is True


@pytest.mark.parametrize(
    "function",
    [
        lambda gru, x: gru(x)[0].reshape(2, 5, -1),
        lambda gru, x: gru(x)[0] + torch.zeros(1, 5, 4),
        lambda gru, x: gru(x)[0] if x.shape[0] == 2 else x,
        lambda gru, x: gru(x)[0] if x.sum() > 0 else x,
    ],
    ids=["view", "constant", "branch-on-size", "branch-on-value"],
)
def test_a_forward_that_freezes_a_size(function: Any, tmp_path: Path) -> None:
    """Sizes that are numbers in the forward would be frozen into the file without a word."""
    message = refused(tmp_path, Function(function))
    assert message.startswith("ExportError: ")
    assert "-1 in view and reshape" in message
    assert len(message) < 3000


def test_a_forward_that_loops_over_time(tmp_path: Path) -> None:
    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.LSTMCell(3, 4)

        def forward(self, x: Tensor) -> Tensor:
            state, outputs = None, []
            for x_t in x.unbind(1):
                state = self.cell(x_t, state)
                outputs.append(state[1])
            return torch.stack(outputs, 1)

    assert refused(tmp_path, Loop()).startswith("ExportError: module 'cell'")


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda gru, x: "done", "ExportError: the forward returns a str; return tensors"),
        (lambda gru, x: None, "ExportError: the forward returns no tensor"),
        (lambda gru, x: [], "ExportError: the forward returns no tensor"),
    ],
)
def test_a_forward_that_returns_no_tensors(result: Any, message: str, tmp_path: Path) -> None:
    assert message in refused(tmp_path, Function(result))


def test_a_subclass_of_recurrent_with_a_forward_of_its_own(tmp_path: Path) -> None:
    """Its forward must not be passed over."""

    class Halved(Recurrent):
        def forward(self, x: Tensor, state: Any = None, lengths: Tensor | None = None) -> Any:
            y, state = super().forward(x, state, lengths)
            return y / 2, state

    message = refused(tmp_path, Head(Halved(RNN(3, 4))))
    assert "ExportError: module 'recurrent': Halved has a forward of its own" in message


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16])
def test_a_network_of_another_precision_is_right_or_refused(kind: torch.dtype, tmp_path: Path) -> None:
    module = Head(Recurrent(GRU(3, 4))).to(kind)
    message = refused(tmp_path, module, X.to(kind))
    assert "ExportError" in message
    assert "float32" in message


def test_an_integer_input_where_the_layer_wants_floats(tmp_path: Path) -> None:
    message = refused(tmp_path, Head(nn.GRU(3, 4, batch_first=True)), torch.zeros(1, 5, 3, dtype=torch.long))
    assert message.startswith("InputError: example_inputs: the module fails")


def test_an_old_file_outlives_a_failed_export(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    with pytest.raises(InputError):
        edgernn.export(Head(nn.GRU(3, 4, batch_first=True)), path, torch.zeros(1, 5, 4))
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
