"""The affine map W x + b that every layer is made of, and its gradients."""

from __future__ import annotations

import numpy as np

from edgernn.reference.arrays import Array


def affine(x: Array, weight: Array, bias: Array) -> Array:
    """W x + b for every row: x (..., input), weight (output, input), bias (output,) → (..., output)."""
    return x @ weight.T + bias


def affine_backward(x: Array, weight: Array, da: Array) -> tuple[Array, Array, Array]:
    """The gradients of a = W x + b, given da (..., output).

    The weight's gradient is the outer product of da and x, summed over the rows; the input's gradient goes
    through the transposed weight.

    Returns:
        dweight (output, input), dbias (output,), dx (..., input).
    """
    rows_da, rows_x = da.reshape(-1, da.shape[-1]), x.reshape(-1, x.shape[-1])
    dbias: Array = np.sum(rows_da, axis=0)
    return rows_da.T @ rows_x, dbias, da @ weight
