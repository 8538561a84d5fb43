"""A matrix of low rank as two factors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from edgernn.quantize.body import Body

LOW_RANK = "LowRank"

# Singular values below this share of the largest are what rounding to float32 left.
_SMALLEST = 1e-6


def find_factors(array: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """(…, m, n) → (…, m, r) and (…, r, n) whose product it is, of one rank r; None where that saves nothing.

    The factors share the singular values, so that neither has rows of very different size.
    """
    if array.ndim not in (2, 3) or not array.size:
        return None
    *_, rows, columns = array.shape
    most = rows * columns // (rows + columns + 1)  # the largest rank that saves anything
    matrices = array.reshape(-1, rows, columns).astype(np.float64)
    if most < 1 or any(_rank(matrix[: columns + 1, : rows + 1]) > most for matrix in matrices):
        return None
    rank = max(1, *(_rank(matrix) for matrix in matrices))
    if rank > most:
        return None
    left, values, right = np.linalg.svd(matrices, full_matrices=False)
    roots = np.sqrt(values[:, None, :rank])
    factors = left[:, :, :rank] * roots, roots.transpose(0, 2, 1) * right[:, :rank]
    outer = array.shape[:-2]
    a, b = (np.ascontiguousarray(part.reshape(*outer, *part.shape[1:]), np.float32) for part in factors)
    return a, b


def multiply(body: Body, parts: Sequence[ir.Value]) -> ir.Value:
    """The product, which onnxruntime folds when it loads the file."""
    return body.op("MatMul", *parts)


def _rank(matrix: np.ndarray) -> int:
    """By the eigenvalues of the smaller product with itself, which are squares of singular values."""
    small = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    squares = np.linalg.eigvalsh(small.T @ small)
    return int(np.count_nonzero(squares > _SMALLEST**2 * squares[-1])) if squares[-1] > 0 else 0
