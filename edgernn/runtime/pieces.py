"""Inputs cut along time into what a push takes, and the outputs put together again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from edgernn.manifest import TensorSpec
from edgernn.runtime.arrays import Array


def cut(
    specs: Sequence[TensorSpec], arrays: Sequence[Array], unit: int, largest: int
) -> Iterator[list[Array]]:
    """The inputs in pieces of 1, 2, 4, … up to `largest` units; inputs without time go with every piece.

    So few lengths are met by calls that are prepared already. The time steps must be a multiple of `unit`.
    """
    steps = [
        array.shape[spec.time_dim]
        for spec, array in zip(specs, arrays, strict=True)
        if spec.time_dim is not None
    ]
    if not steps:
        yield list(arrays)
        return
    start, end = 0, steps[0]
    while start < end:
        units = min((end - start) // unit, largest)
        size = unit * (1 << (units.bit_length() - 1))
        yield [
            array if spec.time_dim is None else _between(array, spec.time_dim, start, start + size)
            for spec, array in zip(specs, arrays, strict=True)
        ]
        start += size


def join(specs: Sequence[TensorSpec], parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The outputs of the pieces, one after the other; of an output without time the last."""
    if len(parts) == 1:
        return dict(parts[0])
    return {
        spec.name: parts[-1][spec.name]
        if spec.time_dim is None
        else np.concatenate([part[spec.name] for part in parts], axis=spec.time_dim)
        for spec in specs
    }


def _between(array: Array, axis: int, start: int, end: int) -> Array:
    return np.ascontiguousarray(array[(slice(None),) * axis + (slice(start, end),)])
