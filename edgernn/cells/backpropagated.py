"""Cells that bring the gradient of their own step, so that training need not record every operation of it.

Autograd keeps a node for each operation of each step, and adds to each weight's gradient at each step. A cell
that says how a gradient passes back through one step needs none of that. The steps run unrecorded; the
derivatives of each step, which need no gradient yet, are computed for all steps together; the gradients go
back through time in one loop of a few multiplications (Werbos, 1990); and those of the weights are single
products over all time steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from edgernn.cells.base import Cell, State
from edgernn.errors import InputError

Kept = TypeVar("Kept", bound=tuple[Any, ...])
Slopes = tuple[Tensor, ...]


@dataclass(frozen=True)
class Trace(Generic[Kept]):
    """What a run and its way back left behind, each tensor for all time steps, in the order of time.

    Attributes:
        before: the states before each step, (time, batch, size) each.
        kept: what `advance` kept of each step, (time, batch, ·) each.
        dprojected: the gradient of the projected input, (time, batch, ·).
        seen: what `retreat` gave of each step for the weights, (time, batch, ·) each.
    """

    before: State
    kept: Kept
    dprojected: Tensor
    seen: State


class BackpropagatedCell(Cell, Generic[Kept]):
    """A cell whose output is its first state, with the gradient of its step beside its equations.

    Subclass it and write `project`, `advance` (the equations), `slopes`, `retreat` and `weight_gradients`.
    """

    _equations: ClassVar[tuple[str, ...]] = (*Cell._equations, "advance")

    def advance(self, projected: Tensor, state: State) -> tuple[State, Kept]:
        """One step: the new state, and what the gradient needs of the step, as a named tuple of tensors."""
        raise InputError(f"{type(self).__name__} must write advance(projected, state).")

    def slopes(self, kept: Kept, before: State) -> Slopes:
        """The derivatives of all steps that `retreat` multiplies with, (time, batch, ·) each.

        Args:
            kept: what `advance` kept, stacked over time: (time, batch, ·) each.
            before: the states before each step, likewise.
        """
        raise InputError(f"{type(self).__name__} must write slopes(kept, before).")

    def retreat(self, slopes: Slopes, dstate: State) -> tuple[Tensor, State, State]:
        """Back through one step.

        Args:
            slopes: those of this step, (batch, ·) each.
            dstate: the gradient of the state after it.

        Returns:
            The gradients of `projected` and of the state before, and what `weight_gradients` wants to see of
            this step.
        """
        raise InputError(f"{type(self).__name__} must write retreat(slopes, dstate).")

    def weight_gradients(self, trace: Trace[Kept]) -> dict[str, Tensor]:
        """The gradients of the parameters that `advance` uses, by their names."""
        raise InputError(f"{type(self).__name__} must write weight_gradients(trace).")

    def recur(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """One step, without its record."""
        state, _ = self.advance(projected, state)
        return state[0], state

    def over_time(
        self, projected: Tensor, state: State, alive: Tensor | None = None, reverse: bool = False
    ) -> tuple[Tensor, State] | None:
        """All steps in one function for autograd; None where nothing trains or equations changed."""
        parameters = tuple(self.parameters())
        trains = torch.is_grad_enabled() and any(
            tensor.requires_grad for tensor in (projected, *state, *parameters)
        )
        mixed = torch.is_autocast_enabled(projected.device.type)
        if not trains or mixed or not self._retreats_as_it_advances:
            return None
        y, *final = _OverTime.apply(  # type: ignore[no-untyped-call]
            self, alive, reverse, len(state), projected, *state, *parameters
        )
        return y, tuple(final)

    @property
    def _retreats_as_it_advances(self) -> bool:
        """Whether the gradients belong to the equations: no subclass changed one without the other."""
        kinds = type(self).__mro__

        def place(name: str) -> int:
            return next(index for index, kind in enumerate(kinds) if name in vars(kind))

        changed = place("advance")
        return type(self).recur is BackpropagatedCell.recur and all(
            place(name) <= changed for name in ("slopes", "retreat")
        )


class _OverTime(torch.autograd.Function):
    """A `BackpropagatedCell` over all time steps."""

    @staticmethod
    def forward(
        ctx: Any,
        cell: BackpropagatedCell[tuple[Any, ...]],
        alive: Tensor | None,
        reverse: bool,
        states: int,
        projected: Tensor,
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        state = tensors[:states]
        order = range(projected.shape[0])[:: -1 if reverse else 1]
        records: list[tuple[Any, ...]] = [()] * len(order)
        before: list[State] = [()] * len(order)
        outputs = [projected] * len(order)
        # Tensors of which autograd keeps no count cost half as much to make.
        with torch.inference_mode():
            inputs = projected.unbind(0)
            for t in order:
                before[t] = state
                new, records[t] = cell.advance(inputs[t], state)
                if alive is not None:
                    new = tuple(
                        torch.where(alive[t], fresh, old) for fresh, old in zip(new, state, strict=True)
                    )
                state = new
                outputs[t] = state[0]
        y = torch.stack(outputs)
        ctx.cell, ctx.alive, ctx.order, ctx.records, ctx.before = cell, alive, order, records, before
        ctx.save_for_backward(*tensors[states:])  # only so that autograd notices a weight that was changed
        if alive is not None:
            y = torch.where(alive, y, 0.0)
        return (y, *(part.clone() for part in state))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, *dfinal: Tensor) -> tuple[Tensor | None, ...]:
        cell, alive = ctx.cell, ctx.alive
        _ = ctx.saved_tensors
        if alive is not None:
            dy = torch.where(alive, dy, 0.0)
        before = _over_time(ctx.before)
        kept = type(ctx.records[0])(*_over_time(ctx.records))
        dprojected = [dy] * len(ctx.order)
        seen: list[State] = [()] * len(ctx.order)
        dstate: State = dfinal
        with torch.inference_mode():
            slopes = list(zip(*(part.unbind(0) for part in cell.slopes(kept, before)), strict=True))
            for t, dy_t in zip(reversed(ctx.order), dy.unbind(0)[:: -ctx.order.step], strict=True):
                dstate = (dstate[0] + dy_t, *dstate[1:])
                waiting = dstate
                if alive is not None:
                    dstate = tuple(torch.where(alive[t], part, 0.0) for part in dstate)
                dprojected[t], dstate, seen[t] = cell.retreat(slopes[t], dstate)
                if alive is not None:
                    dstate = tuple(
                        torch.where(alive[t], part, rest) for part, rest in zip(dstate, waiting, strict=True)
                    )
        trace = Trace(before, kept, torch.stack(dprojected), _over_time(seen))
        found = cell.weight_gradients(trace)
        weights = (found.get(name) for name, _ in cell.named_parameters())
        return None, None, None, None, trace.dprojected, *(part.clone() for part in dstate), *weights


def _over_time(steps: list[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """One tuple a step → one tuple of tensors with time in front."""
    return tuple(torch.stack(parts) for parts in zip(*steps, strict=True))


def over_rows(gradient: Tensor) -> Tensor:
    """The sum over time and batch: (time, batch, n) → (n,)."""
    return gradient.flatten(0, 1).sum(0)


def outer_product(gradient: Tensor, argument: Tensor) -> Tensor:
    """The gradient of W in W v: (time, batch, rows) and v (time, batch, columns) → (rows, columns)."""
    return gradient.flatten(0, 1).T @ argument.flatten(0, 1)


def sigmoid_slope(y: Tensor) -> Tensor:
    """The derivative of y = σ(v)."""
    return y * (1 - y)


def tanh_slope(y: Tensor) -> Tensor:
    """The derivative of y = tanh(v)."""
    return 1 - y * y
