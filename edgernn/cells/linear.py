"""Cells whose state follows a linear recurrence: their time steps need not wait for each other."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from edgernn.cells.base import Cell, State
from edgernn.cells.linear_scan import linear_recurrence, mixing_recurrence
from edgernn.cells.memory import keep_freed_memory
from edgernn.errors import InputError

Blocks = tuple[Tensor, ...]


class LinearCell(Cell):
    """A cell of one state with h_t = a_t ⊙ h_{t−1} + b_t, where a_t and b_t do not depend on the state.

    Subclass it and write `project`, `coefficients` and, where the output is not the state, `emit`. The step
    and the run over all time steps at once follow from them.

    Attributes:
        blocks: how many blocks of `hidden_size` features `project` gives.
    """

    blocks: ClassVar[int] = 1

    _equations: ClassVar[tuple[str, ...]] = (*Cell._equations, "coefficients", "emit")

    def coefficients(self, blocks: Blocks) -> tuple[Tensor, Tensor]:
        """a and b, (..., hidden) each, from the blocks that `project` gave, (..., hidden) each."""
        raise InputError(f"{type(self).__name__} must write coefficients(blocks) -> (a, b).")

    def emit(self, blocks: Blocks, h: Tensor) -> Tensor:
        """The output (..., hidden) of a step from its projected input and its new state."""
        return h

    def split(self, projected: Tensor) -> Blocks:
        """What `project` gave, cut into its blocks; once, as each cut is a copy of all on the way back."""
        return projected.chunk(self.blocks, dim=-1)

    def recur(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """One step; state (h,)."""
        (h,) = state
        blocks = self.split(projected)
        a, b = self.coefficients(blocks)
        h = a * h + b
        return self.emit(blocks, h), (h,)

    def over_time(
        self, projected: Tensor, state: State, alive: Tensor | None = None, reverse: bool = False
    ) -> tuple[Tensor, State] | None:
        """All steps at once: see `linear_recurrence`."""
        if type(self).recur is not LinearCell.recur:
            return None  # a subclass changed the recurrence itself
        if torch.is_grad_enabled() and not torch.compiler.is_compiling():
            keep_freed_memory()
        blocks = self.split(projected)
        h = self._states(blocks, state[0], alive, reverse)
        y = self.emit(blocks, h)
        if alive is not None:
            y = torch.where(alive, y, 0.0)
        return y, (h[0] if reverse else h[-1],)

    def _states(self, blocks: Blocks, start: Tensor, alive: Tensor | None, reverse: bool) -> Tensor:
        """h after each step; it waits where a row is not alive."""
        a, b = self.coefficients(blocks)
        if alive is not None:
            a, b = torch.where(alive, a, 1.0), torch.where(alive, b, 0.0)
        return linear_recurrence(a, b, start, reverse)


class MixingCell(LinearCell):
    """A linear cell that forgets as much as it takes in: h_t = f_t ⊙ h_{t−1} + (1 − f_t) ⊙ n_t.

    Subclass it and write `project`, `mixture` and, where the output is not the state, `emit`.
    """

    _equations: ClassVar[tuple[str, ...]] = (*LinearCell._equations, "mixture")

    def mixture(self, blocks: Blocks) -> tuple[Tensor, Tensor]:
        """f and n, (..., hidden) each, from the blocks that `project` gave, (..., hidden) each."""
        raise InputError(f"{type(self).__name__} must write mixture(blocks) -> (f, n).")

    def coefficients(self, blocks: Blocks) -> tuple[Tensor, Tensor]:
        """f and (1 - f) n."""
        f, n = self.mixture(blocks)
        return f, (1 - f) * n

    def _states(self, blocks: Blocks, start: Tensor, alive: Tensor | None, reverse: bool) -> Tensor:
        if type(self).coefficients is not MixingCell.coefficients:
            return super()._states(blocks, start, alive, reverse)
        f, n = self.mixture(blocks)
        if alive is not None:
            f = torch.where(alive, f, 1.0)
        return mixing_recurrence(f, n, start, reverse)
