"""Inputs drawn at random as a manifest says what they are: to compare, calibrate and time files with."""

from __future__ import annotations

import numpy as np

from edgernn.manifest import Manifest, TensorSpec
from edgernn.runtime.arrays import Array


def fixed_length(manifest: Manifest) -> int | None:
    """The number of time steps that the inputs fix; None where it is free."""
    for spec in manifest.inputs:
        if spec.time_dim is not None:
            size = spec.dims[spec.time_dim]
            if isinstance(size, int):
                return size
    return None


def draw_input(
    spec: TensorSpec,
    batch: int,
    steps: int,
    random: np.random.Generator,
    values: Array | None = None,
    *,
    full_length: bool = False,
) -> Array:
    """One array for an input.

    Args:
        spec: its type and dimensions; of integers also the range.
        batch, steps: sizes of the free dimensions.
        random: draws the values.
        values: floats to draw from, of any shape; standard normal numbers without.
        full_length: whether one integer a row, which may be its number of steps, is all of them.
    """
    # Another free dimension, as of a second input with a clock of its own, is neither 1 nor as long as time.
    sizes = {"batch": batch, "time": steps}
    other = -(-steps // 2) + 1
    shape = tuple(
        steps if axis == spec.time_dim else dim if isinstance(dim, int) else sizes.get(dim, other)
        for axis, dim in enumerate(spec.dims)
    )
    dtype = np.dtype(spec.dtype)
    if dtype.kind in "iu":
        low = int(spec.minimum if spec.minimum is not None else 0)
        high = int(spec.maximum if spec.maximum is not None else 1)
        if spec.dims == ("batch",):
            # A number of steps cannot exceed those there are, and a row has one at least.
            low, high = min(low, steps), min(high, steps)
            low = high if full_length else max(1, low) if high >= 1 else low
        return random.integers(low, high + 1, shape).astype(dtype)
    if dtype.kind == "b":
        return random.integers(0, 2, shape).astype(dtype)
    if values is not None and values.size:
        return random.choice(values.reshape(-1), shape).astype(dtype)
    return random.standard_normal(shape).astype(dtype)
