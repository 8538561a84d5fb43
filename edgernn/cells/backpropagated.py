"""Cells that bring the gradient of their step, so that training need not record every operation of it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from edgernn.cells.base import Cell, State
from edgernn.cells.memory import keep_freed_memory
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
        trains = torch.is_grad_enabled() and any(
            tensor.requires_grad for tensor in (projected, *state, *self.parameters())
        )
        mixed = torch.is_autocast_enabled(projected.device.type)
        if not trains or mixed or not self._retreats_as_it_advances:
            return None
        found: tuple[Tensor, State] = _apply(self, projected, state, alive, reverse)
        return found

    @property
    def _retreats_as_it_advances(self) -> bool:
        """Whether the gradients belong to the equations: no subclass changed one without the other."""
        kinds = type(self).__mro__

        def place(name: str) -> int:
            return next((index for index, kind in enumerate(kinds) if name in vars(kind)), len(kinds))

        return place("steps_of_a_run") <= min(place("recur"), place("step"))


@torch.compiler.disable  # type: ignore[untyped-decorator]
def _apply(
    cell: BackpropagatedCell, projected: Tensor, state: State, alive: Tensor | None, reverse: bool
) -> tuple[Tensor, State]:
    """A compiled model calls it as it is: unrolling the loop would take torch.compile minutes."""
    y, *final = _OverTime.apply(  # type: ignore[no-untyped-call]
        cell, alive, reverse, len(state), projected, *state, *cell.parameters()
    )
    return y, tuple(final)


class _OverTime(torch.autograd.Function):
    """A `BackpropagatedCell` over all time steps."""

    @staticmethod
    def forward(
        ctx: Any,
        cell: BackpropagatedCell,
        alive: Tensor | None,
        reverse: bool,
        states: int,
        projected: Tensor,
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        keep_freed_memory()
        steps = cell.steps_of_a_run(cell, projected, tensors[:states], reverse)
        with np.errstate(all="ignore"):  # as torch: training that diverges shows in its loss
            y, final = steps.run(alive)
        ctx.steps, ctx.alive = steps, alive
        # Only so that autograd notices a weight that was changed.
        ctx.save_for_backward(*tensors[states:])
        return (y, *final)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, *dfinal: Tensor) -> tuple[Tensor | None, ...]:
        _ = ctx.saved_tensors
        with np.errstate(all="ignore"):  # as torch: training that diverges shows in its loss
            dstate = ctx.steps.run_back(ctx.alive, dy, dfinal)
        dprojected, found = ctx.steps.weight_gradients()
        weights = (found.get(name) for name, _ in ctx.steps.cell.named_parameters())
        return None, None, None, None, dprojected, *dstate, *weights


def over_rows(gradient: Tensor) -> Tensor:
    """The sum over time and batch: (time, batch, n) → (n,)."""
    return gradient.flatten(0, 1).sum(0)
