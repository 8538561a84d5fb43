"""Cells that bring the gradient of their step, so that training need not record every operation of it."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from edgernn.cells.base import Cell, State
from edgernn.cells.steps import Steps


class BackpropagatedCell(Cell):
    """A cell whose output is its first state, with the gradient of its step beside its equations.

    Subclass it and write `project`, `recur` (the equations) and `steps_of_a_run`, a `Steps` with the same
    equations.
    """

    steps_of_a_run: ClassVar[type[Steps]]

    def over_time(
        self, projected: Tensor, state: State, alive: Tensor | None = None, reverse: bool = False
    ) -> tuple[Tensor, State] | None:
        """All steps in one function for autograd; None where nothing trains or equations changed."""
        return run_by_hand(self, projected, state, alive, reverse)


def run_by_hand(
    cell: Cell, projected: Tensor, state: State, alive: Tensor | None, reverse: bool
) -> tuple[Tensor, State] | None:
    """A run of the cell's `steps_of_a_run`; None where nothing trains or equations changed."""
    trains = torch.is_grad_enabled() and any(
        tensor.requires_grad for tensor in (projected, *state, *cell.parameters())
    )
    mixed = torch.is_autocast_enabled(projected.device.type)
    if not trains or mixed or not _retreats_as_it_advances(type(cell)):
        return None
    return _apply(cell, projected, state, alive, reverse)


def _retreats_as_it_advances(kind: type[Cell]) -> bool:
    """Whether the gradients belong to the equations: no subclass changed one without the other."""

    def place(name: str) -> int:
        return next(index for index, kind in enumerate(kind.__mro__) if name in vars(kind))

    return all(place("steps_of_a_run") <= place(name) for name in kind._equations if name != "project")


@torch.compiler.disable
def _apply(
    cell: Cell, projected: Tensor, state: State, alive: Tensor | None, reverse: bool
) -> tuple[Tensor, State]:
    """A compiled model calls it as it is: unrolling the loop would take torch.compile minutes."""
    y, *final = _OverTime.apply(  # type: ignore[no-untyped-call]
        cell, alive, reverse, len(state), projected, *state, *cell.parameters()
    )
    return y, tuple(final)


class _OverTime(torch.autograd.Function):
    """A cell's `steps_of_a_run`."""

    @staticmethod
    def forward(
        ctx: Any,
        cell: Any,
        alive: Tensor | None,
        reverse: bool,
        states: int,
        projected: Tensor,
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        steps = cell.steps_of_a_run(cell, projected, tensors[:states], reverse)
        y, final = steps.run(alive)
        ctx.steps, ctx.alive = steps, alive
        # Only so that autograd notices a weight that was changed.
        ctx.save_for_backward(*tensors[states:])
        return (y, *final)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, *dfinal: Tensor) -> tuple[Tensor | None, ...]:
        _ = ctx.saved_tensors
        dstate = ctx.steps.run_back(ctx.alive, dy, dfinal)
        dprojected, found = ctx.steps.weight_gradients()
        weights = (found.get(name) for name, _ in ctx.steps.cell.named_parameters())
        return None, None, None, None, dprojected, *dstate, *weights


def over_rows(gradient: Tensor) -> Tensor:
    """The sum over time and batch: (time, batch, n) → (n,)."""
    return gradient.flatten(0, 1).sum(0)
