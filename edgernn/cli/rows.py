"""Rows of numbers, one a time step, as the arrays that a model takes, and arrays as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from edgernn.cli.arrays import Array
from edgernn.errors import InputError

if TYPE_CHECKING:
    from edgernn.manifest import TensorSpec


def values_a_step(spec: TensorSpec) -> int | None:
    """How many numbers one time step of one row has; None where the model leaves that open."""
    sizes = [spec.dims[axis] for axis in _feature_axes(spec)]
    known = [size for size in sizes if isinstance(size, int)]
    return int(np.prod(known)) if len(known) == len(sizes) else None


def from_rows(rows: Array, spec: TensorSpec) -> Array:
    """Rows (time, values) as an array of one batch row, as `spec` has it.

    Raises InputError where a row has not as many values as a time step has.
    """
    wanted = values_a_step(spec)
    if wanted is not None and rows.shape[1] != wanted:
        raise InputError(
            f"input {spec.name!r}: each line must hold {wanted} values, one a feature; found {rows.shape[1]}."
        )
    if spec.time_dim is None and len(rows) != 1:
        raise InputError(
            f"input {spec.name!r}: it has no time dimension, so one line is expected; found {len(rows)}."
        )
    if np.dtype(spec.dtype).kind in "iub":
        rows = _whole(rows, spec)
    features = [
        size if isinstance(size, int) else -1 for size in (spec.dims[axis] for axis in _feature_axes(spec))
    ]
    array = rows.reshape(len(rows), *features) if spec.time_dim is not None else rows.reshape(features)
    if spec.time_dim is not None:
        batch = spec.batch_dim
        array = np.moveaxis(array, 0, spec.time_dim - (batch is not None and batch < spec.time_dim))
    return with_batch(array, spec)


def with_batch(array: Array, spec: TensorSpec) -> Array:
    """`array` with a batch of one where it lacks the batch dimension."""
    batch = spec.batch_dim
    return np.expand_dims(array, batch) if batch is not None and array.ndim == len(spec.dims) - 1 else array


def steps(array: Array, spec: TensorSpec) -> Iterator[Array]:
    """The values of an output, flat, by batch row and time step."""
    batch = spec.batch_dim
    rows = [array] if batch is None else np.moveaxis(array, batch, 0)
    for row in rows:
        if spec.time_dim is None:
            yield np.ravel(row)
            continue
        time = spec.time_dim - (batch is not None and batch < spec.time_dim)
        for step in np.moveaxis(row, time, 0):
            yield np.ravel(step)


def line(values: Array) -> str:
    """Values joined by commas, in the fewest digits that give the same number again."""
    return ",".join(str(value) for value in values)


def plain(values: Array) -> list[Any]:
    """Values for JSON."""
    found: list[Any] = values.tolist()
    return found


def _feature_axes(spec: TensorSpec) -> list[int]:
    return [axis for axis in range(len(spec.dims)) if axis not in (spec.batch_dim, spec.time_dim)]


def _whole(rows: Array, spec: TensorSpec) -> Array:
    whole = rows.astype(np.int64) if np.isfinite(rows).all() else np.zeros_like(rows, np.int64)
    if not np.array_equal(whole, rows):
        wrong = rows[whole != rows][0]
        raise InputError(f"input {spec.name!r}: it takes whole numbers ({spec.dtype}), found {wrong:g}.")
    return whole.astype(bool) if spec.dtype == "bool" else whole
