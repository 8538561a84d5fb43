"""One run of a cell over time and back, into arrays that hold all time steps.

Autograd keeps a node for each operation of each step, makes a tensor for each result, and adds to each
weight's gradient at each step. A cell that says how a gradient passes back through one step needs none of
that. Every step writes into its place of arrays that are there before the first one runs; the derivatives of
each step, which need no gradient yet, are computed for many steps together; the gradients go back through
time in one loop of a few multiplications (Werbos, 1990); and those of the weights are single products over
all time steps.

Shapes: T time, B batch. "In the order of reading" is from the last step to the first for a cell that reads
backwards.
"""

from __future__ import annotations

import abc
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from edgernn.cells.arrays import Array, Arrays
from edgernn.cells.base import State

if TYPE_CHECKING:
    from edgernn.cells.base import Cell

Parts = tuple[Array, ...]

# So many numbers of a step's widest array at a time stay in a processor's second cache.
_BLOCK = 65_536


class Steps(abc.ABC):
    """Subclass it and write `prepare`, `advance`, `begin_return`, `slopes`, `retreat` and `weight_gradients`.

    Attributes:
        cell: the cell, of whose weights nothing is written.
        arrays, ops: see `Arrays`.
        projected: what `Cell.project` gave, (T, B, ·); not to be written into.
        before, after: the states around each step, (T, B, size) each.
    """

    cell: Any

    def __init__(self, cell: Cell, projected: Tensor, state: State, reverse: bool) -> None:
        self.cell, self.reverse = cell, reverse
        self.arrays = Arrays(projected)
        self.ops = self.arrays.ops
        self.projected = self.arrays.of(projected)
        self.time, self.batch = projected.shape[:2]
        first, last = (slice(1, None), slice(None, -1)) if reverse else (slice(None, -1), slice(1, None))
        states = [self.arrays.empty(self.time + 1, *part.shape) for part in state]
        self.before, self.after = (tuple(part[place] for part in states) for place in (first, last))
        for part, start in zip(self.before, state, strict=True):
            part[-1 if reverse else 0] = self.arrays.of(start)

    @abc.abstractmethod
    def prepare(self) -> Parts:
        """Make the arrays that `advance` fills; those of one step, (T, B, ·) each, are handed to it."""

    @abc.abstractmethod
    def advance(self, kept: Parts, before: Parts, after: Parts) -> None:
        """One step: fill `after`, and of `kept` what `slopes` needs; (B, ·) each."""

    @abc.abstractmethod
    def begin_return(self) -> Parts:
        """Make the arrays that `slopes` fills; those of one step, (T, B, ·) each, are handed to `retreat`."""

    @abc.abstractmethod
    def slopes(self, part: slice) -> None:
        """The derivatives of some steps that `retreat` multiplies with."""

    @abc.abstractmethod
    def retreat(self, slopes: Parts, dstate: Parts) -> None:
        """Back through one step.

        Args:
            slopes: those of this step, (B, ·) each, where what is needed of its gradients may be written.
            dstate: the gradient of the state after it, which becomes that of the state before.
        """

    @abc.abstractmethod
    def weight_gradients(self) -> tuple[Tensor, dict[str, Tensor]]:
        """The gradients of `projected` and, by their names, of the parameters that `advance` uses."""

    def run(self, alive: Tensor | None) -> tuple[Tensor, State]:
        """All steps: the output (T, B, ·), which is the first state, and the final state, in new memory."""
        before, after = list(self.together(self.before)), list(self.together(self.after))
        masks = None if alive is None else self.in_order(self.arrays.of(alive))
        for t, kept in enumerate(self.together(self.prepare())):
            self.advance(kept, before[t], after[t])
            if masks is not None:
                for old, new in zip(before[t], after[t], strict=True):
                    new[...] = self.ops.where(masks[t], new, old)
        y = self.arrays.tensor(self.after[0]).clone()
        if alive is not None:
            y.masked_fill_(~alive, 0.0)
        return y, tuple(self.arrays.tensor(part).clone() for part in after[-1])

    def run_back(self, alive: Tensor | None, dy: Tensor, dfinal: State) -> State:
        """Back through all steps: the gradient of the state before the first one."""
        if alive is not None:
            dy = dy.masked_fill(~alive, 0.0)
        dstate = tuple(self.arrays.of(part.clone()) for part in dfinal)
        slopes = self.begin_return()
        dys = self.arrays.of(dy)
        masks = None if alive is None else self.arrays.of(alive)
        add, first = self.ops.add, dstate[0]
        for part in self.blocks(slopes[0]):
            self.slopes(part)
            steps = list(self.together(tuple(array[part] for array in slopes)))[::-1]
            into = self.in_order(dys[part])[::-1]
            if masks is None:
                for step, dy_t in zip(steps, into, strict=True):
                    add(first, dy_t, out=first)
                    self.retreat(step, dstate)
                continue
            for step, dy_t, mask in zip(steps, into, self.in_order(masks[part])[::-1], strict=True):
                add(first, dy_t, out=first)
                waiting = [self.ops.where(mask, 0.0, each) for each in dstate]
                for each in dstate:
                    each[...] = self.ops.where(mask, each, 0.0)
                self.retreat(step, dstate)
                for each, rest in zip(dstate, waiting, strict=True):
                    each[...] = self.ops.where(mask, each, rest)
        return tuple(self.arrays.tensor(part) for part in dstate)

    def in_order(self, array: Array) -> list[Array]:
        """The steps of an array, in the order of reading."""
        return list(array)[:: -1 if self.reverse else 1]

    def together(self, arrays: Parts) -> Iterator[Parts]:
        """For each step, in the order of reading, its parts of several arrays."""
        return zip(*(self.in_order(array) for array in arrays), strict=True)

    def blocks(self, array: Array) -> list[slice]:
        """Parts of the time steps that hold about _BLOCK numbers, from the last that is read to the first."""
        numbers = array.size if self.ops is np else array.numel()
        size = max(1, _BLOCK * self.time // max(1, numbers))
        starts = range(0, self.time, size)
        parts = [slice(start, min(start + size, self.time)) for start in starts]
        return parts if self.reverse else parts[::-1]
