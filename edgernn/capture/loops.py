"""Loops over time in a user's forward, followed while they are traced, so that their length stays free.

    for t in range(x.size(1)):
        h = self.cell(x[:, t], h)
        outputs.append(h)
    y = torch.stack(outputs, dim=1)

Tracing runs such a loop once for each step of the example, which freezes the length. Here every tensor that
is "step t of a sequence" is remembered as such: `x[:, t]` is step t of x; a cell whose input is step t of x
and whose state is what it gave at step t - 1 goes over x, and gives step t of y; a linear layer of it is step
t of the linear layer of y. When the steps 0, 1, 2, … of a sequence are stacked, the sequence itself is put in
their place: one recurrence over all steps, of whatever number.

What is not understood is traced as it runs, with as many steps as the example has. `capture` then finds
that the graph changes with the example's length, and refuses the module.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from torch import SymInt, Tensor
from torch.overrides import TorchFunctionMode

from edgernn.capture.runs import Runs
from edgernn.capture.steps import Step, StepTable, indexed_step, is_free, size_hint, tensors_in
from edgernn.errors import ExportError

# Functions that ask for a tensor's sizes, not for its values.
_ABOUT_SIZES = {"__get__", "size", "dim", "numel", "__len__"}


class Loops(TorchFunctionMode):
    """Watches the functions that a forward calls.

    Attributes:
        counted: whether a free size was used as a number, so that the graph may depend on it.
        runs: what the cells do.
    """

    def __init__(self) -> None:
        super().__init__()
        self.counted = False
        self._table = StepTable()
        self.runs = Runs(self._table)
        self._written: dict[tuple[int, int], tuple[Tensor, list[Tensor]]] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Runs the function, or what comes to the same for all steps at once."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name == "__setitem__" and self._is_written(*args):
            return None
        if name not in _ABOUT_SIZES:
            self.runs.check_states([args, kwargs])
            self._check_written([args, kwargs])
        handler = getattr(self, f"_on_{name.strip('_')}", None)
        if handler is not None and (found := handler(*args, **kwargs)) is not None:
            return found
        result = func(*args, **kwargs)
        self._table.mark_computed(func, args, kwargs, result)
        return result

    def finish(self) -> None:
        """Raise ExportError where a loop ended before its sequence did."""
        self.runs.finish()
        self._check_written([tensor for tensor, _ in self._written.values()])

    def _on_getitem(self, tensor: Any, index: Any) -> Tensor | None:
        place = indexed_step(tensor, index) if isinstance(tensor, Tensor) else None
        return None if place is None else self._select(tensor, *place)

    def _on_select(self, tensor: Tensor, dim: int, index: Any) -> Tensor | None:
        dim %= tensor.dim()
        known = is_free(tensor.shape[dim]) and isinstance(index, int) and index >= 0
        return self._select(tensor, dim, index) if known else None

    def _select(self, tensor: Tensor, dim: int, t: int) -> Tensor:
        return self._table.mark(tensor.select(dim, t), Step(self._table.series_of(tensor, dim), t))

    def _on_unbind(self, tensor: Tensor, dim: int = 0) -> tuple[Tensor, ...] | None:
        dim %= tensor.dim()
        if not is_free(tensor.shape[dim]):
            return None
        self.counted = True
        return tuple(self._select(tensor, dim, t) for t in range(size_hint(tensor.shape[dim])))

    def _on_iter(self, tensor: Tensor) -> Iterator[Tensor] | None:
        steps = self._on_unbind(tensor)
        return None if steps is None else iter(steps)

    def _on_len(self, tensor: Tensor) -> int | None:
        if not is_free(tensor.shape[0]):
            return None
        self.counted = True
        return size_hint(tensor.shape[0])

    def _on_unsqueeze(self, tensor: Tensor, dim: int) -> Tensor | None:
        step = self._table.of(tensor)
        if step is None or step.axis is not None:
            return None
        axis = dim % (tensor.dim() + 1)
        return self._table.mark(tensor.unsqueeze(axis), Step(step.series, step.t, axis))

    def _on_stack(self, tensors: Any, dim: int = 0) -> Tensor | None:
        return self._table.collected("stack", tensors, dim)

    def _on_cat(self, tensors: Any, dim: int = 0) -> Tensor | None:
        return self._table.collected("cat", tensors, dim)

    _on_concat = _on_cat
    _on_concatenate = _on_cat

    def _check_written(self, values: Any) -> None:
        """Raise ExportError where values hold a tensor of which only some steps are written."""
        pending = {key[0] for key in self._written}
        if pending and any(id(tensor) in pending for tensor in tensors_in(values)):
            raise ExportError(
                "a loop over time writes steps of a tensor that is read before all of them are there. Append "
                "the steps to a list and torch.stack it after the loop."
            )

    def _is_written(self, target: Any, index: Any, value: Any) -> bool:
        """`target[:, t] = step t`: kept until all steps are there, then written at once."""
        place = indexed_step(target, index) if isinstance(target, Tensor) else None
        step = self._table.of(value)
        if place is None or step is None or step.t != place[1] or step.axis is not None:
            return False
        key = (id(target), place[0])
        _, values = self._written.setdefault(key, (target, []))
        values.append(value)
        if len(values) == step.series.count:
            whole = self._table.collected("stack", values, place[0])
            if whole is None:
                return False
            target.copy_(whole)
            del self._written[key]
        return True


# How a free size becomes a number.
_CONVERSIONS: dict[str, Callable[[SymInt], int]] = {
    name: getattr(SymInt, name) for name in ("__index__", "__int__")
}
_lock = threading.Lock()
_blocks = 0
_loops: ContextVar[Loops | None] = ContextVar("edgernn_loops_that_are_followed", default=None)


def following() -> Loops | None:
    """The loops that are followed right now."""
    return _loops.get()


@contextmanager
def loops_followed() -> Iterator[Loops]:
    """Within the block loops over time are followed; see the file's docstring."""
    global _blocks
    loops = Loops()
    with _lock:
        _blocks += 1
        if _blocks == 1:
            for name, original in _CONVERSIONS.items():
                setattr(SymInt, name, _counting(original))
    token = _loops.set(loops)
    try:
        with loops:
            yield loops
        loops.finish()
    finally:
        _loops.reset(token)
        with _lock:
            _blocks -= 1
            if not _blocks:
                for name, original in _CONVERSIONS.items():
                    setattr(SymInt, name, original)


def _counting(original: Callable[[SymInt], int]) -> Callable[[SymInt], int]:
    """`range(x.size(1))`: as many turns as the example has steps, without fixing the size to that number."""

    def count(size: SymInt) -> int:
        loops = following()
        caller = str(sys._getframe(1).f_globals.get("__name__", ""))
        # torch itself counts on such a number to be right for good.
        if loops is None or caller.partition(".")[0] == "torch":
            return original(size)
        loops.counted = True
        return size_hint(size)

    return count
