"""Tensors that are one step of a sequence, while a loop over time is followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import SymInt, Tensor

# Functions that compute each row of (rows, features) by itself, and so all steps of a sequence at once.
_BY_ROW = {
    "linear", "embedding", "layer_norm", "rms_norm", "dropout", "softmax", "log_softmax",
    "relu", "gelu", "elu", "selu", "silu", "leaky_relu", "prelu", "hardtanh", "relu6", "softplus", "tanh",
    "sigmoid", "logsigmoid", "exp", "log", "abs", "neg", "__neg__", "sqrt", "clamp", "pow", "__pow__",
    "add", "__add__", "__radd__", "sub", "__sub__", "__rsub__", "rsub", "mul", "__mul__", "__rmul__",
    "div", "__truediv__", "true_divide", "cat", "concat", "concatenate",
}  # fmt: skip
# Those of them that take a dimension, which must be the last one.
_ALONG = {"softmax", "log_softmax", "cat", "concat", "concatenate"}


@dataclass(frozen=True, eq=False)
class Series:
    """A whole sequence: time first, and how many steps of it the loop takes while it is traced."""

    tensor: Tensor
    count: int


@dataclass(frozen=True)
class Step:
    """Step number `t` of a series; with a dimension of size 1 for time at `axis`, or without."""

    series: Series
    t: int
    axis: int | None = None


def size_hint(size: int | SymInt) -> int:
    """The example's size of a dimension."""
    return int(size.node.hint) if isinstance(size, SymInt) else size


def is_free(size: Any) -> bool:
    """Whether a size is a symbol rather than a number."""
    return isinstance(size, SymInt)


class StepTable:
    """Which tensors are steps of which sequences. It keeps them alive, so that an id stays theirs."""

    def __init__(self) -> None:
        self._steps: dict[int, tuple[Tensor, Step]] = {}
        self._series: dict[tuple[int, int], tuple[Tensor, Series]] = {}
        self._computed: dict[Any, Series] = {}

    def of(self, value: Any) -> Step | None:
        """The step that a tensor is known to be."""
        found = self._steps.get(id(value))
        return None if found is None else found[1]

    def mark(self, tensor: Tensor, step: Step) -> Tensor:
        """Remember that a tensor is a step."""
        self._steps[id(tensor)] = (tensor, step)
        return tensor

    def series_of(self, tensor: Tensor, dim: int) -> Series:
        """The sequence along one dimension of a tensor; the same one each time."""
        key = (id(tensor), dim)
        if key not in self._series:
            self._series[key] = (tensor, Series(tensor.movedim(dim, 0), size_hint(tensor.shape[dim])))
        return self._series[key][1]

    def mark_computed(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], result: Any
    ) -> None:
        """Remember the result of a function of steps as a step, where all steps can be computed at once."""
        name = function.__name__ if hasattr(function, "__name__") else ""
        steps = [step for value in tensors_in([args, kwargs]) if (step := self.of(value)) is not None]
        if name not in _BY_ROW or not steps or not isinstance(result, Tensor):
            return
        t = steps[0].t
        if any(step.t != t or step.axis is not None for step in steps):
            return
        others = [value for value in tensors_in([args, kwargs]) if self.of(value) is None]
        if any(isinstance(size, SymInt) for value in others for size in value.shape):
            return  # it may differ from step to step
        if others and name.startswith(("cat", "concat")):
            return  # it has no time to be joined with
        if name in _ALONG:
            along = _dimension(name, args, kwargs)
            if along is None or along % result.dim() != result.dim() - 1:
                return
            args, kwargs = [args[0]], {**kwargs, "dim": -1}
        key = (name, self._key(args), self._key(kwargs))
        if key not in self._computed:
            whole = function(*self._whole(args), **self._whole(kwargs))
            self._computed[key] = Series(whole, steps[0].series.count)
        self.mark(result, Step(self._computed[key], t))

    def _key(self, value: Any) -> Any:
        """What stays the same from step to step."""
        if isinstance(value, Tensor):
            step = self.of(value)
            return id(value) if step is None else ("series", id(step.series))
        if isinstance(value, dict):
            return tuple((name, self._key(item)) for name, item in value.items())
        if isinstance(value, list | tuple):
            return tuple(self._key(item) for item in value)
        return repr(value)

    def _whole(self, value: Any) -> Any:
        """Arguments with each step replaced by its sequence."""
        if isinstance(value, Tensor):
            step = self.of(value)
            return value if step is None else step.series.tensor
        if isinstance(value, dict):
            return {name: self._whole(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._whole(item) for item in value)
        return value

    def collected(self, name: str, values: Any, dim: int) -> Tensor | None:
        """What stacking or concatenating all steps of a sequence gives; None where it is anything else."""
        steps = [self.of(value) for value in values] if isinstance(values, list | tuple) else []
        first = steps[0] if steps else None
        if first is None or len(steps) != first.series.count:
            return None
        order = [step.t for step in steps if step is not None and step.series is first.series]
        if any(step is None or step.axis != first.axis for step in steps):
            return None
        if order == list(range(len(steps))):
            whole = first.series.tensor
        elif order == list(reversed(range(len(steps)))):
            whole = first.series.tensor.flip(0)
        else:
            return None
        if name == "stack":
            return whole.movedim(0, dim) if first.axis is None else None
        rank = values[0].dim()
        if first.axis is not None:
            return whole.movedim(0, first.axis) if dim % rank == first.axis else None
        return whole.movedim(0, dim % rank).flatten(dim % rank, dim % rank + 1)


def _dimension(name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> int | None:
    found = kwargs.get("dim", args[1] if len(args) > 1 else (0 if name.startswith("c") else None))
    return found if isinstance(found, int) else None


def tensors_in(values: Any) -> Iterator[Tensor]:
    """The tensors among nested arguments."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, dict):
        yield from tensors_in(list(values.values()))
    elif isinstance(values, list | tuple):
        for value in values:
            yield from tensors_in(value)


def indexed_step(tensor: Tensor, index: Any) -> tuple[int, int] | None:
    """(dimension, number) where `tensor[index]` takes one step along one free dimension, and all else."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(part is not Ellipsis and not isinstance(part, int | slice) for part in parts):
        return None
    if any(isinstance(part, slice) and part != slice(None) for part in parts):
        return None
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        parts[at : at + 1] = [slice(None)] * (tensor.dim() - len(parts) + 1)
    numbers = [(dim, part) for dim, part in enumerate(parts) if isinstance(part, int)]
    if len(numbers) != 1:
        return None
    dim, number = numbers[0]
    free = isinstance(tensor.shape[dim], SymInt) and not isinstance(number, bool)
    return (dim, number) if free and number >= 0 else None
