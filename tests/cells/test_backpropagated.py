"""Gradients by hand beyond what every cell's tests compare: kinds of numbers, reuse, memory, wrong use."""

from __future__ import annotations

import warnings

import pytest
import torch

from edgernn import Recurrent
from edgernn.cells import Cell
from edgernn.cells.arrays import Arrays
from edgernn.cells.backpropagated import BackpropagatedCell

from .checks import random_states
from .library import CHOICES, LIBRARY, Choice, gradients
from .tolerances import DOUBLE, HALF, MANY_STEPS

BY_HAND = [choice for choice in CHOICES if issubclass(choice.kind, BackpropagatedCell)]
KINDS = [kind for kind in LIBRARY.values() if issubclass(kind, BackpropagatedCell)]


def by_loop(cell: Cell, monkeypatch: pytest.MonkeyPatch, *arguments):
    """`gradients` by autograd through the plain loop."""
    with monkeypatch.context() as patch:
        patch.setattr(type(cell), "over_time", lambda *arguments: None)
        return gradients(cell, *arguments)


@pytest.mark.parametrize("choice", BY_HAND, ids=str)
def test_torch_computes_the_same_steps_as_numpy(choice: Choice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where numpy cannot compute (another device or type), the same steps run on torch's functions."""
    cell = choice.make().double()
    x, state, lengths = torch.randn(9, 3, 3).double(), random_states(cell, 3), torch.tensor([4, 9, 1])
    found = gradients(cell, x, state, lengths)
    monkeypatch.setattr("edgernn.cells.arrays._IN_NUMPY", ())
    assert Arrays(x).ops is torch
    torch.testing.assert_close(gradients(cell, x, state, lengths), found, **DOUBLE)


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_trains(kind: type[Cell], monkeypatch: pytest.MonkeyPatch) -> None:
    """As far from float32 as the loop is in bfloat16, whose numbers have three digits."""
    cell = kind(3, 4).bfloat16()
    x, state = torch.randn(5, 2, 3).bfloat16(), random_states(cell, 2)
    found, wanted = gradients(cell, x, state), by_loop(cell, monkeypatch, x, state)
    torch.testing.assert_close(found, wanted, **HALF)
    assert all(part.dtype == torch.bfloat16 for part in found[1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reverse", [False, True])
def test_large_steps_and_many_blocks(
    kind: type[Cell], reverse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Products that go to torch and to oneDNN, slopes in several blocks of time, x that has gaps."""
    cell = kind(24, 96)
    x, state = torch.randn(40, 60, 48)[..., ::2], random_states(cell, 40)
    x = x.transpose(0, 1)
    found, wanted = (
        gradients(cell, x, state, None, reverse),
        by_loop(cell, monkeypatch, x, state, None, reverse),
    )
    for ours, theirs in zip((*found[0], *found[1]), (*wanted[0], *wanted[1]), strict=True):
        scale = max(1.0, float(theirs.detach().abs().max()))
        torch.testing.assert_close(ours / scale, theirs / scale, **MANY_STEPS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_graph_may_be_gone_through_twice_and_its_output_written_into(kind: type[Cell]) -> None:
    recurrent = Recurrent(kind(3, 4))
    x = torch.randn(2, 5, 3, requires_grad=True)
    y, _ = recurrent(x)
    loss = y.square().sum()
    first = torch.autograd.grad(loss, [x, *recurrent.parameters()], retain_graph=True)
    second = torch.autograd.grad(loss, [x, *recurrent.parameters()])
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    y, _ = recurrent(x)
    wanted = torch.autograd.grad((2 * y).sum(), x)
    y, _ = recurrent(x)
    torch.testing.assert_close(torch.autograd.grad(y.mul_(2).sum(), x), wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_a_weight_that_changes_before_the_way_back_is_noticed(kind: type[Cell]) -> None:
    recurrent = Recurrent(kind(3, 4))
    loss = recurrent(torch.randn(2, 5, 3))[0].sum()
    with torch.no_grad():
        next(iter(recurrent.parameters())).add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives_are_refused(kind: type[Cell]) -> None:
    """They would be wrong; the plain loop has them."""
    cell = kind(3, 4)
    x = torch.randn(5, 2, 3, requires_grad=True)
    y, _ = cell.over_time(cell.project(x), cell.initial_state(2))
    (slope,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


def test_training_that_diverges_does_not_warn() -> None:
    """As with torch: numpy's warnings of an overflow would be errors in some users' tests."""
    recurrent = Recurrent(LIBRARY["IndRNN"](3, 4))
    with torch.no_grad():
        recurrent.cells[0].recurrent.fill_(1e10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y, _ = recurrent(torch.ones(2, 30, 3))
        y.sum().backward()
    assert not y.isfinite().all()


class WithoutSteps(BackpropagatedCell):
    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.inner = torch.nn.Linear(input_size, hidden_size)

    def project(self, x):
        return self.inner(x)

    def recur(self, projected, state):
        h = torch.tanh(projected + state[0])
        return h, (h,)


def test_a_cell_whose_steps_are_not_written_trains_by_the_loop() -> None:
    recurrent = Recurrent(WithoutSteps(3, 4))
    recurrent(torch.randn(2, 5, 3))[0].sum().backward()
    assert recurrent.cells[0].inner.weight.grad.abs().sum() > 0


@pytest.mark.slow
# torch.compile's own warnings.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("name", ["PeepholeLSTM", "MinGRU"])
def test_a_compiled_model_trains_by_the_same_steps(name: str) -> None:
    """torch.compile leaves the run over time as it is, in place of unrolling it."""
    recurrent = Recurrent(LIBRARY[name](3, 4))
    head = torch.nn.Linear(4, 1)
    x = torch.randn(2, 50, 3)
    weights = [*recurrent.parameters(), *head.parameters()]
    wanted = torch.autograd.grad(head(recurrent(x)[0]).square().sum(), weights)
    compiled = torch.compile(lambda x: head(recurrent(x)[0]).square().sum(), backend="eager")
    torch.testing.assert_close(torch.autograd.grad(compiled(x), weights), wanted)
