"""What a cell refuses, `like`, and subclasses that change the equations."""

from __future__ import annotations

import pytest
import torch

from edgernn.cells import GRU, LSTM, RNN, Cell
from edgernn.errors import InputError
from edgernn.sequence import run_direction

from .variants import VARIANTS, Variant


@pytest.mark.parametrize("sizes", [(0, 4), (3, 0), (-1, 4), (3, 4.0), ("3", 4), (True, 4), (3, None)])
@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_wrong_sizes_are_refused(kind: type[Cell], sizes: tuple) -> None:
    with pytest.raises(
        InputError, match=rf"{kind.__name__}: (input|hidden)_size must be an integer ≥ 1, found"
    ):
        kind(*sizes)


def test_an_unknown_activation_is_refused() -> None:
    with pytest.raises(InputError, match=r"one of \['relu', 'sigmoid', 'tanh'\], found 'gelu'"):
        RNN(3, 4, "gelu")


def test_a_cell_without_equations_is_refused() -> None:
    class Empty(Cell):
        pass

    with pytest.raises(InputError, match=r"Empty: a cell defines its equations in step\(x, state\)"):
        Empty(3, 4)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_like_keeps_everything_but_the_input_size_and_the_weights(variant: Variant) -> None:
    cell = variant.make(3, 4)
    other = cell.like(8)
    assert type(other) is variant.kind
    assert (other.input_size, other.hidden_size) == (8, 4)
    assert {name: getattr(other, name) for name in variant.options} == variant.options
    assert not torch.equal(other.weight_hh, cell.weight_hh)


class Positional(GRU):
    """Hands its arguments on in its own way."""

    def __init__(self, hidden_size: int, input_size: int, *, leak: float = 0.5) -> None:
        super().__init__(input_size, hidden_size)
        self.leak = leak


def test_like_works_with_the_constructor_of_a_subclass() -> None:
    other = Positional(5, 3, leak=0.25).like(7)
    assert (other.input_size, other.hidden_size, other.leak) == (7, 5, 0.25)
    assert Positional(5, input_size=3).like(2).input_size == 2


def test_like_needs_an_input_size_to_change() -> None:
    class Fixed(RNN):
        def __init__(self) -> None:
            super().__init__(3, 4)

    with pytest.raises(InputError, match="Fixed: to be stacked in layers, a cell's constructor must take"):
        Fixed().like(4)


class OtherStep(LSTM):
    def step(self, x, state):
        output, state = super().step(x, state)
        return output * 2, state


class OtherRecur(GRU):
    def recur(self, projected, state):
        output, (h,) = super().recur(projected, state)
        return output, (h.clamp(-0.1, 0.1),)


class OtherProjection(RNN):
    def project(self, x):
        return super().project(x).relu()


class Renamed(LSTM):
    """The same equations under another name."""


@pytest.mark.parametrize("kind", [OtherStep, OtherRecur, OtherProjection])
def test_a_subclass_with_other_equations_is_not_taken_for_its_base(kind: type[Cell]) -> None:
    cell = kind(3, 4)
    assert cell.torch_mode is None
    assert cell.onnx_operator() is None
    assert cell.reference_step() is None


def test_a_subclass_with_the_same_equations_is_taken_for_its_base() -> None:
    cell = Renamed(3, 4)
    assert cell.torch_mode == "LSTM"
    assert cell.onnx_operator() is not None
    assert cell.reference_step() is not None


@pytest.mark.parametrize("kind", [OtherStep, OtherRecur, OtherProjection])
def test_what_a_subclass_overrides_counts_over_time_too(kind: type[Cell]) -> None:
    """Whoever overrides `step` alone is not left with the old `project` and `recur`."""
    cell = kind(3, 4)
    x, start = torch.randn(5, 2, 3), cell.initial_state(2)
    y, final = run_direction(cell, x, start)
    state = start
    for t in range(5):
        output, state = cell.step(x[t], state)
        torch.testing.assert_close(y[t], output)
    torch.testing.assert_close(final, state)
    assert cell.hoists_projection == (kind is not OtherStep)


@pytest.mark.parametrize(
    ("variant", "mode"),
    [
        (RNN(3, 4), "RNN_TANH"), (RNN(3, 4, "relu"), "RNN_RELU"), (RNN(3, 4, "sigmoid"), None),
        (LSTM(3, 4), "LSTM"), (GRU(3, 4), "GRU"), (GRU(3, 4, reset_after=False), None),
    ],
)  # fmt: skip
def test_torch_has_a_kernel_for_its_own_equations_alone(variant: Cell, mode: str | None) -> None:
    assert variant.torch_mode == mode


def test_printing_a_cell_tells_its_sizes() -> None:
    assert repr(LSTM(3, 4)) == "LSTM(3, 4)"
