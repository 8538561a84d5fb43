"""The prepared calls of a stream for one shape of chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgernn.errors import InputError
from edgernn.manifest import Manifest, TensorSpec
from edgernn.runtime.arrays import Array, check_shape, check_steps
from edgernn.runtime.call import Call, prepare
from edgernn.runtime.session import Session

Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Plan:
    """Prepared calls for one shape of chunk.

    Attributes:
        inputs: the bound arrays that chunks are copied into, in the manifest's order.
        outputs: the bound arrays of the outputs; None where onnxruntime allocates.
        calls: the call that reads the first set of states and writes the second, and the reverse.
    """

    inputs: list[Array]
    outputs: list[Array | None]
    calls: tuple[Call, Call]


def make_plan(session: Session, shapes: Shapes, batch: int, states: Sequence[list[Array]]) -> Plan:
    """A plan for chunks of `shapes`, one an input, over two sets of state buffers.

    Raises InputError where the shapes do not fit the manifest or the batch.
    """
    manifest = session.manifest
    sizes = check_chunk(manifest, shapes, {"batch": batch})
    inputs = [np.empty(shape, spec.dtype) for shape, spec in zip(shapes, manifest.inputs, strict=True)]
    outputs = [output_buffer(manifest, spec, sizes) for spec in manifest.outputs]
    calls = [
        prepare(session.engine, *feeds_and_fetches(manifest, inputs, outputs, states[side], states[1 - side]))
        for side in (0, 1)
    ]
    return Plan(inputs, outputs, (calls[0], calls[1]))


def feeds_and_fetches(
    manifest: Manifest,
    inputs: Sequence[Array],
    outputs: Sequence[Array | None],
    old: Sequence[Array],
    new: Sequence[Array],
) -> tuple[dict[str, Array], dict[str, Array | None]]:
    """Arrays by graph name: what is read (inputs, old states) and what is written (outputs, new states)."""
    feeds = {spec.name: array for spec, array in zip(manifest.inputs, inputs, strict=True)}
    feeds |= {state.input: array for state, array in zip(manifest.states, old, strict=True)}
    fetches = {spec.name: array for spec, array in zip(manifest.outputs, outputs, strict=True)}
    fetches |= {state.output: array for state, array in zip(manifest.states, new, strict=True)}
    return feeds, fetches


def check_chunk(manifest: Manifest, shapes: Shapes, sizes: dict[str, int]) -> dict[str, int]:
    """The size of every named dimension, `sizes` included.

    Raises InputError where a shape does not fit its input, or the time is neither `manifest.chunk` nor,
    where that is free, a multiple of `manifest.hop`.
    """
    sizes = dict(sizes)
    for shape, spec in zip(shapes, manifest.inputs, strict=True):
        check_shape(shape, spec, sizes)
    check_steps(manifest, shapes)
    return sizes


def output_buffer(manifest: Manifest, spec: TensorSpec, sizes: dict[str, int]) -> Array | None:
    """An array for the output `spec`; None where one of its dimensions is known only after the call."""
    steps = [
        sizes.get(str(item.dims[item.time_dim])) for item in manifest.inputs if item.time_dim is not None
    ]
    shape = []
    for position, dim in enumerate(spec.dims):
        size = sizes.get(dim) if isinstance(dim, str) else dim
        if isinstance(dim, str) and position == spec.time_dim and steps and steps[0] is not None:
            size = steps[0] * spec.upsampling // spec.hop
        if size is None:
            return None
        shape.append(size)
    return np.empty(shape, spec.dtype)


def require_streaming(session: Session, what: str) -> None:
    """Raise InputError where the model carries no states from call to call."""
    if not session.manifest.streaming:
        raise InputError(
            f"{what}: {str(session.path)!r} is a sequence model, without states as inputs and outputs. "
            "Export it with streaming=True to push chunks, or use run."
        )
