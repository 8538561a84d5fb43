"""A prepared module → torch.export's graph, with batch and time free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.fx.experimental.symbolic_shapes import is_concrete_int
from torch.nn.utils.rnn import PackedSequence

from edgernn.capture.dims import settle_dims
from edgernn.capture.inputs import TIME, InputInfo, describe_inputs, with_sizes
from edgernn.capture.opaque import Layer
from edgernn.capture.padded import padded_sequences_kept
from edgernn.capture.prepare import prepare
from edgernn.capture.trace import trace_loops
from edgernn.errors import ExportError

# A size of 1 makes torch.export believe that a dimension is always 1; fewer steps than this are repeated.
_SMALLEST_BATCH = 2
_SMALLEST_TIME = 3


@dataclass(frozen=True)
class Captured:
    """What torch.export gave, and what it was given.

    Attributes:
        program: the ATen graph with opaque recurrences.
        inputs: the module's inputs in order.
        output_names: one name for each tensor that the module returns, flattened.
        layers: the recurrent layers.
        module: the prepared module; the layers live as long as it does.
        time: the fixed number of steps; None where time is free.
    """

    program: ExportedProgram
    inputs: tuple[InputInfo, ...]
    output_names: tuple[str, ...]
    layers: tuple[Layer, ...]
    module: nn.Module
    time: int | None


def capture(
    model: nn.Module,
    example_inputs: Tensor | Sequence[Tensor],
    *,
    time_dim: int = 1,
    dims: Mapping[str, Sequence[str | None]] | None = None,
    fixed_time: int | None = None,
) -> Captured:
    """Trace `model` with its batch and time free.

    Args:
        model: any torch module with Recurrent, nn.RNN, nn.LSTM or nn.GRU inside.
        example_inputs: a tensor or a tuple of tensors, as `model.forward` takes them, of any sizes.
        time_dim: which dimension of the inputs is time; the batch is the first other one.
        dims: names of the dimensions by input name, e.g. {"h0": (None, "batch", None)}, for inputs whose
            dimensions are not found by running the module at other sizes (see `settle_dims`). "batch" and
            "time" are free, so is any other name; None is fixed.
        fixed_time: the number of time steps where time is not to be free.

    Raises:
        InputError: where the example or `dims` do not fit.
        ExportError: where torch cannot trace the module, or a dimension cannot be free.
    """
    # A module whose inputs have clocks of their own says so itself.
    dims = {**getattr(model, "input_dims", {}), **(dims or {})}
    inputs = describe_inputs(model, example_inputs, time_dim, dims)
    prepared = prepare(model)
    with torch.no_grad(), padded_sequences_kept():
        inputs = settle_dims(prepared.module, inputs, dims, fixed_time)
        examples = tuple(_resized(item, fixed_time) for item in inputs)
        result = prepared.module(*examples)
        dynamic = [_dynamic(item, fixed_time is None) for item in inputs]
        larger = tuple(_resized(item, fixed_time, times=2) for item in inputs)
        program = trace_loops(prepared.module, examples, larger, dynamic)
    check_free(program, inputs, fixed_time is None)
    return Captured(
        program,
        inputs,
        tuple(name for name, _ in flatten_outputs(result)),
        prepared.layers,
        prepared.module,
        fixed_time,
    )


def _resized(item: InputInfo, fixed_time: int | None, times: int = 1) -> Tensor:
    """The example, repeated where a dimension is too small to be traced as free, cut where time is fixed.

    Its free dimensions are `times` as large as they need be.
    """
    smallest = {TIME: _SMALLEST_TIME}
    # Whole multiples, because a module may take its steps in blocks.
    sizes = {
        dim: size * -(-smallest.get(dim, _SMALLEST_BATCH) // size) * times
        for size, dim in zip(item.example.shape, item.dims, strict=True)
        if dim is not None
    }
    return with_sizes(item.example, item.dims, sizes if fixed_time is None else {**sizes, TIME: fixed_time})


def _dynamic(item: InputInfo, time_free: bool) -> dict[int, Any]:
    """Which dimensions are free. torch finds out which of them are equal, and which sizes are too small."""
    return {
        index: Dim.AUTO
        for index, dim in enumerate(item.dims)
        if dim is not None and (dim != TIME or time_free)
    }


def check_free(program: ExportedProgram, inputs: Sequence[InputInfo], time_free: bool) -> None:
    """Raise ExportError where a dimension that should be free became a number while it was traced."""
    shapes = {node.name: node.meta["val"].shape for node in program.graph.nodes if node.op == "placeholder"}
    for name, info in zip(program.graph_signature.user_inputs, inputs, strict=False):
        for index in _dynamic(info, time_free):
            size = shapes[str(name)][index]
            if is_concrete_int(size):  # torch's SymInt of a number is no int
                raise ExportError(
                    f"input {info.name!r}: dimension {index} ({info.dims[index]}) cannot be free: the "
                    f"forward works for size {size} alone, or uses the size as a number. Use -1 in view and "
                    "reshape, and loops over layers rather than over time; or fix it (length=, dims=)."
                )


def flatten_outputs(result: Any) -> list[tuple[str, Tensor]]:
    """Names and tensors that a forward returned: dictionary keys, else "output" with their position.

    Raises ExportError where it returned anything else.
    """
    found: list[tuple[str, Tensor]] = []

    def walk(value: Any, name: str) -> None:
        if isinstance(value, Tensor):
            found.append((name or "output", value))
        elif isinstance(value, PackedSequence):
            raise ExportError(
                "the forward returns a PackedSequence; return pad_packed_sequence(...) of it, a tensor."
            )
        elif isinstance(value, Mapping):
            for key, item in value.items():
                walk(item, f"{name}_{key}" if name else str(key))
        elif isinstance(value, tuple | list):
            for index, item in enumerate(value):
                walk(item, f"{name or 'output'}_{index}" if len(value) > 1 else name)
        elif value is not None:
            raise ExportError(
                f"the forward returns a {type(value).__name__}; return tensors, in tuples, lists or dicts."
            )

    walk(result, "")
    if not found:
        raise ExportError("the forward returns no tensor.")
    return found
