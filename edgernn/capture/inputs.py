"""The inputs of a module that is to be traced: names, dimensions, examples of any size."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from edgernn.errors import InputError

BATCH, TIME = "batch", "time"

DimNames = tuple[str | None, ...]


@dataclass(frozen=True)
class InputInfo:
    """One input of the module: its name, its dimensions' names (None: fixed), and an example."""

    name: str
    dims: DimNames
    example: Tensor

    @property
    def time_dim(self) -> int | None:
        """Which dimension is time."""
        return self.dims.index(TIME) if TIME in self.dims else None


def describe_inputs(
    model: nn.Module,
    example_inputs: Tensor | Sequence[Tensor],
    time_dim: int,
    dims: Mapping[str, Sequence[str | None]],
) -> tuple[InputInfo, ...]:
    """Names, dimension names and examples of a module's inputs; raises InputError where they do not fit.

    The names of dimensions are those of `dims`, else (batch, time, …) by `time_dim`, else (batch,).
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"model: must be a torch.nn.Module, found {type(model).__name__}.")
    if isinstance(example_inputs, PackedSequence):
        raise InputError(
            "example_inputs: a PackedSequence cannot be an input of an ONNX graph. Take a padded tensor and "
            "its lengths as inputs, and call pack_padded_sequence in the forward."
        )
    examples = (example_inputs,) if isinstance(example_inputs, Tensor) else tuple(example_inputs)
    if not examples or not all(isinstance(example, Tensor) for example in examples):
        found = [type(example).__name__ for example in examples]
        raise InputError(f"example_inputs: must be a tensor or a tuple of tensors, found {found}.")
    names = _parameter_names(model, examples)
    unknown = sorted(set(dims) - set(names))
    if unknown:
        raise InputError(f"dims: {unknown[0]!r} is no input; the inputs are {names}.")
    return tuple(
        InputInfo(name, _dim_names(name, example, time_dim, dims.get(name)), example.detach().cpu())
        for name, example in zip(names, examples, strict=True)
    )


def with_sizes(example: Tensor, dims: DimNames, sizes: Mapping[str, int]) -> Tensor:
    """An example with other sizes of its named dimensions, its content repeated or cut."""
    for index, dim in enumerate(dims):
        wanted = example.shape[index] if dim is None else sizes.get(dim, example.shape[index])
        if example.shape[index] != wanted:
            repeats = -(-wanted // example.shape[index])
            example = torch.cat([example] * repeats, dim=index).narrow(index, 0, wanted)
    # A clone: torch guards on what a view is a view of.
    return example.clone(memory_format=torch.contiguous_format)


def _parameter_names(model: nn.Module, examples: Sequence[Tensor]) -> list[str]:
    """Names of the forward's parameters that the examples are for."""
    names = [
        parameter.name
        for parameter in inspect.signature(model.forward).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    if len(names) < len(examples):
        raise InputError(
            f"example_inputs: {len(examples)} tensors, but {type(model).__name__}.forward takes {names}."
        )
    return names[: len(examples)]


def _dim_names(name: str, example: Tensor, time_dim: int, given: Sequence[str | None] | None) -> DimNames:
    if given is not None:
        if len(given) != example.dim():
            raise InputError(f"dims[{name!r}]: {len(given)} names for {example.dim()} dimensions.")
        return tuple(given)
    if 0 in example.shape:
        raise InputError(f"example_inputs: {name!r} is empty, shape {tuple(example.shape)}.")
    if example.dim() == 0:
        return ()
    if example.dim() == 1:
        return (BATCH,)
    if not 0 <= time_dim < example.dim():
        raise InputError(
            f"time_dim: {time_dim}, but input {name!r} has shape {tuple(example.shape)}. "
            "Pass time_dim=, or name its dimensions with dims=."
        )
    batch_dim = 1 if time_dim == 0 else 0
    return tuple(
        TIME if index == time_dim else BATCH if index == batch_dim else None for index in range(example.dim())
    )
