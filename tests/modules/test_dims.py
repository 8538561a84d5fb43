"""Which dimensions are batch and time is found out; what cannot be free is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from edgernn.capture import capture
from edgernn.errors import ExportError, InputError

from .networks import assert_same_as_torch, export

FEATURES, HIDDEN, LAYERS = 3, 4, 2
STATE = (LAYERS, "batch", HIDDEN)


class WithStates(nn.Module):
    def __init__(self, batch_first: bool = True, layers: int = LAYERS) -> None:
        super().__init__()
        self.lstm = nn.LSTM(FEATURES, HIDDEN, layers, batch_first=batch_first)

    def forward(self, x: Tensor, h0: Tensor, c0: Tensor) -> Any:
        return self.lstm(x, (h0, c0))


class StatesFirst(WithStates):
    def forward(self, h0: Tensor, x: Tensor, c0: Tensor) -> Any:
        return self.lstm(x, (h0, c0))


class Alone(nn.Module):
    def __init__(self, given_state: bool = False) -> None:
        super().__init__()
        self.gru = nn.GRU(FEATURES, HIDDEN, LAYERS)

    def forward(self, x: Tensor, h0: Tensor | None = None) -> Any:
        return self.gru(x, h0)


class Speaker(Alone):
    """A vector a row beside the sequence."""

    def forward(self, x: Tensor, speaker: Tensor) -> Tensor:
        return self.gru((x + speaker.unsqueeze(1)).transpose(0, 1))[0]


class EncoderDecoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.GRU(FEATURES, HIDDEN, batch_first=True)
        self.decoder = nn.GRU(2, HIDDEN, batch_first=True)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        return self.decoder(target, self.encoder(source)[1])[0]


def states(batch: int, layers: int = LAYERS) -> list[Tensor]:
    return [torch.randn(layers, batch, HIDDEN), torch.randn(layers, batch, HIDDEN)]


X = ("batch", "time", FEATURES)
FOUND = {
    "states": (WithStates(), [torch.randn(5, 6, 3), *states(5)], [X, STATE, STATE]),
    "sizes_alike": (WithStates(), [torch.randn(2, 2, 3), *states(2)], [X, STATE, STATE]),
    "one_of_each": (
        WithStates(layers=1),
        [torch.randn(1, 1, 3), *states(1, 1)],
        [X, (1, "batch", HIDDEN), (1, "batch", HIDDEN)],
    ),
    "states_first": (
        StatesFirst(),
        [states(5)[0], torch.randn(5, 6, 3), states(5)[1]],
        [STATE, X, STATE],
    ),
    "unbatched": (Alone(), [torch.randn(6, 3)], [("time", 3)]),
    "unbatched_with_state": (Alone(), [torch.randn(6, 3), torch.randn(2, 4)], [("time", 3), (2, 4)]),
    "speaker": (Speaker(), [torch.randn(2, 6, 3), torch.randn(2, 3)], [X, ("batch", 3)]),
    "two_sequences": (
        EncoderDecoder(),
        [torch.randn(2, 6, 3), torch.randn(2, 5, 2)],
        [X, ("batch", "target_time", 2)],
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_dimensions_are_found(name: str) -> None:
    module, example, wanted = FOUND[name]
    inputs = capture(module, example).inputs
    found = [
        tuple(dim or size for dim, size in zip(info.dims, info.example.shape, strict=True)) for info in inputs
    ]
    assert found == wanted


def test_time_first_states_too() -> None:
    module = WithStates(batch_first=False)
    inputs = capture(module, [torch.randn(6, 5, 3), *states(5)], time_dim=0).inputs
    assert [info.dims for info in inputs] == [("time", "batch", None), *[(None, "batch", None)] * 2]


def test_a_file_with_states_runs_at_other_sizes(tmp_path: Path) -> None:
    module, path = WithStates(), tmp_path / "model.onnx"
    export(module, path, torch.randn(1, 4, 3), *states(1), check=True)
    assert_same_as_torch(path, module, *((torch.randn(b, t, 3), *states(b)) for b, t in ((1, 1), (4, 9))))


@pytest.mark.parametrize("given_state", [False, True])
@pytest.mark.parametrize("form", ["op", "scan"])
def test_an_unbatched_file_runs_at_other_lengths(given_state: bool, form: str, tmp_path: Path) -> None:
    module, path = Alone(), tmp_path / "model.onnx"
    state = [torch.randn(LAYERS, HIDDEN)] if given_state else []
    export(module, path, torch.randn(5, 3), *state, recurrence=form, check=True)
    assert_same_as_torch(path, module, *((torch.randn(t, 3), *state) for t in (1, 5, 12)))


class Frozen(nn.Module):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.gru = nn.GRU(FEATURES, HIDDEN, batch_first=True)
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return self.gru(x)[0].reshape(self.shape)


class FrozenState(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.Linear(FEATURES, FEATURES))
        self.gru = nn.GRU(FEATURES, HIDDEN, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.gru(self.block(x), torch.zeros(1, 2, HIDDEN))[0]


@pytest.mark.parametrize(
    ("module", "dim"),
    [
        (Frozen((2, 6, HIDDEN)), "time"),
        (FrozenState(), "batch"),
    ],
    ids=["view_both", "state"],
)
def test_what_cannot_be_free_is_named(module: nn.Module, dim: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=dim):
        export(module, tmp_path / "model.onnx", torch.randn(2, 6, FEATURES), check=True)
    assert not list(tmp_path.iterdir())


def test_a_batch_that_is_frozen_by_a_view_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"dimension 0 \(batch\) cannot be free"):
        export(Frozen((2, -1, HIDDEN)), tmp_path / "m.onnx", torch.randn(2, 6, FEATURES), check=True)
    assert not list(tmp_path.iterdir())


def test_steps_in_blocks_of_a_fixed_size_are_refused(tmp_path: Path) -> None:
    """torch takes the example's number of steps for the only one."""
    with pytest.raises(ExportError, match=r"dimension 1 \(time\) cannot be free"):
        export(Frozen((-1, 6 * HIDDEN)), tmp_path / "m.onnx", torch.randn(2, 6, FEATURES), check=True)
    assert not list(tmp_path.iterdir())


def test_the_message_names_the_module_and_the_way_out() -> None:
    with pytest.raises(
        ExportError, match=r"'gru' \(GRU\): expected a state.*dims=\{'x': \(None, 'time', None\)\}"
    ):
        capture(FrozenState(), torch.randn(2, 6, FEATURES))


def test_an_example_that_does_not_run_is_refused() -> None:
    with pytest.raises(InputError, match=r"'gru' \(GRU\): expected 3 features, found .* \[5, 1, 2\]"):
        capture(Alone(), torch.randn(5, 1, 2))


def test_no_naming_is_an_error_that_shows_dims() -> None:
    class Odd(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x.reshape(24) + y.reshape(24)

    with pytest.raises((InputError, ExportError), match="dims="):
        capture(Odd(), (torch.randn(2, 4, 3), torch.randn(3, 4, 2)))
