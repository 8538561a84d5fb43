"""Which dimensions of a module's inputs are batch and time: found by running the module at other sizes."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from edgernn.capture.inputs import BATCH, TIME, DimNames, InputInfo, with_sizes
from edgernn.capture.stacks import TorchStack
from edgernn.errors import EdgeRNNError, ExportError, InputError

Naming = tuple[DimNames, ...]  # of all inputs, in order

# More than any sensible set of inputs has; each costs a run of the module.
_MOST_NAMINGS = 300


def settle_dims(
    module: nn.Module, inputs: Sequence[InputInfo], given: Collection[str], fixed_time: int | None
) -> tuple[InputInfo, ...]:
    """The inputs with names of their dimensions under which the module runs at other batches and lengths.

    The names that the inputs come with are tried first, then others: a state (layers, batch, hidden), a
    vector (batch, features), the input (time, features) of a recurrent module without a batch.

    Args:
        module: a prepared module.
        inputs: with the names that are tried first.
        given: names of the inputs whose dimensions the user named: those stay.
        fixed_time: the number of time steps where it is not to be free.

    Raises:
        InputError: where the module fails on the example, or no naming was found.
        ExportError: where batch or time cannot be free.
    """
    search = _Search(module, tuple(inputs), fixed_time)
    default = tuple(info.dims for info in inputs)
    failure = search.run([info.example for info in inputs])
    if failure is not None:
        shapes = [tuple(info.example.shape) for info in inputs]
        raise InputError(
            f"example_inputs: the module fails on inputs of shapes {shapes}: {failure} Pass a tensor or a "
            "tuple of tensors as its forward takes them."
        )
    namings = _namings(inputs, given, search.has_no_batch)
    for naming in namings:
        if search.runs_at_other_sizes(naming):
            return tuple(replace(info, dims=dims) for info, dims in zip(inputs, naming, strict=True))
    raise _refusal(search, namings or [default])


@dataclass
class _Search:
    """Runs a module at other sizes.

    Attributes:
        has_no_batch: whether one of torch's recurrent modules read an input without a batch.
    """

    module: nn.Module
    inputs: tuple[InputInfo, ...]
    fixed_time: int | None
    has_no_batch: bool = False

    def runs_at_other_sizes(self, naming: Naming) -> bool:
        """Whether the module runs when batch and time change; of several inputs, also each alone."""
        changes = [(1, 2)] if len(self.inputs) == 1 else [(1, 1), (0, 2), (3, 3)]
        return all(self.failure(naming, more, times) is None for more, times in changes)

    def failure(self, naming: Naming, more_rows: int, times: int) -> str | None:
        """Why the module fails with so many more rows and so many times the steps; None where it runs.

        Steps are multiplied because a module may take them in blocks.
        """
        sizes: dict[str, int] = {}
        for info, dims in zip(self.inputs, naming, strict=True):
            for size, dim in zip(info.example.shape, dims, strict=True):
                if dim == BATCH:
                    sizes[dim] = size + more_rows
                elif dim is not None:
                    sizes[dim] = size * (times if dim == TIME else times + 1)
        if self.fixed_time is not None and TIME in sizes:
            sizes[TIME] = self.fixed_time
        examples = [
            with_sizes(info.example, dims, sizes) for info, dims in zip(self.inputs, naming, strict=True)
        ]
        return self.run(examples)

    def run(self, examples: Sequence[Tensor]) -> str | None:
        """Why the module fails on some inputs; None where it runs."""

        def before(_: nn.Module, args: tuple[Any, ...]) -> None:
            self.has_no_batch |= bool(args) and isinstance(args[0], Tensor) and args[0].dim() == 2

        hooks = [
            part.register_forward_pre_hook(before)
            for part in self.module.modules()
            if isinstance(part, TorchStack)
        ]
        try:
            with torch.no_grad():
                self.module(*examples)
        except EdgeRNNError as error:
            if not isinstance(error, InputError):
                raise  # what the module does cannot be exported at any size
            return f"{_failing_module(self.module, error)}{error}"
        except Exception as error:  # noqa: BLE001 - a module may raise anything; it becomes the message
            return f"{_failing_module(self.module, error)}{str(error).strip().rstrip('.')}."
        finally:
            for hook in hooks:
                hook.remove()
        return None


def _failing_module(module: nn.Module, error: Exception) -> str:
    """Which module raised, for a message."""
    paths = {id(part): (path, type(part).__name__) for path, part in module.named_modules() if path}
    found = ""
    trace = error.__traceback__
    while trace is not None:
        path = paths.get(id(trace.tb_frame.f_locals.get("self")))
        found = found if path is None else f"in module {path[0]!r} ({path[1]}): "
        trace = trace.tb_next
    return found


def _namings(inputs: Sequence[InputInfo], given: Collection[str], has_no_batch: bool) -> list[Naming]:
    """Namings that agree with the example's sizes, the likeliest first."""
    default = tuple(info.dims for info in inputs)
    partial: list[tuple[Naming, dict[str, int]]] = [((), {})]
    for info in inputs:
        options = [info.dims] if info.name in given else _options(info)
        partial = [
            ((*naming, dims), merged)
            for naming, sizes in partial
            for dims in options
            if (merged := _agreeing(sizes, dims, info.example)) is not None
        ][: 10 * _MOST_NAMINGS]
    # Where the first input has room for both, a naming without one of them would freeze it unasked.
    wanted = {BATCH, TIME} if _has_room(inputs[0]) and inputs[0].name not in given else set()
    names = [naming for naming, sizes in partial if wanted <= set(sizes)]
    alone = TIME if has_no_batch else BATCH

    def unlikeliness(naming: Naming) -> tuple[int, ...]:
        changed = sum(dims != own for dims, own in zip(naming, default, strict=True))
        free = [dim for dims in naming for dim in dims if dim is not None]
        shared = sum(dim in (BATCH, TIME) for dim in free)
        return changed, -len(free), -shared, int(naming[0] != default[0]), -free.count(alone)

    return sorted(names, key=unlikeliness)[:_MOST_NAMINGS]


def _options(info: InputInfo) -> list[DimNames]:
    """All ways to name at most one dimension batch and at most one time, the common one or its own."""
    rank = info.example.dim()
    places = [None, *range(rank)]
    found = [
        tuple(BATCH if index == batch else name if index == time else None for index in range(rank))
        for name in (TIME, f"{info.name}_{TIME}")
        for batch, time in itertools.product(places, places)
        if batch is None or batch != time
    ]
    return list(dict.fromkeys(found))


def _agreeing(sizes: dict[str, int], dims: DimNames, example: Tensor) -> dict[str, int] | None:
    """`sizes` with those of one more input; None where they contradict."""
    merged = dict(sizes)
    for size, dim in zip(example.shape, dims, strict=True):
        if dim is not None and merged.setdefault(dim, size) != size:
            return None
    return merged


def _has_room(info: InputInfo) -> bool:
    """Whether an input is expected to have both batch and time: three dimensions, or indices in two."""
    return info.example.dim() > 2 or (info.example.dim() == 2 and not info.example.is_floating_point())


def _refusal(search: _Search, namings: Sequence[Naming]) -> EdgeRNNError:
    """Says which of batch and time cannot be free, or how to name the dimensions."""
    first = search.inputs[0]
    for naming in namings:
        for dim, changed, other in ((TIME, (0, 2), (1, 1)), (BATCH, (1, 1), (0, 2))):
            if dim not in naming[0]:
                continue
            failure = search.failure(naming, *changed)
            # With one input there is no other naming to blame.
            if failure is None or (len(search.inputs) > 1 and search.failure(naming, *other) is not None):
                continue
            index = naming[0].index(dim)
            fixed = {first.name: tuple(None if name == dim else name for name in naming[0])}
            instead = f"length={first.example.shape[index]}" if dim == TIME else f"dims={fixed}"
            return ExportError(
                f"{dim} (dimension {index} of {first.name!r}) cannot be free: with another size the module "
                f"fails: {failure} The forward takes a size of the example as a number: use -1 in view and "
                f"reshape, {first.name}.size({index}) in expand and torch.zeros. To fix it: {instead}. "
                "If the input is not (batch, time, features), pass time_dim= or dims=."
            )
    naming = namings[0]
    failure = search.failure(naming, 1, 2)
    shown = {info.name: dims for info, dims in zip(search.inputs, naming, strict=True)}
    return InputError(
        f"example_inputs: the module does not run at other batches and lengths, whichever dimensions they "
        f"are. With dims={shown} it fails: {failure} Name the dimensions that are free, "
        'e.g. dims={"x": ("batch", "time", None), "h0": (None, "batch", None)}; None is fixed.'
    )
