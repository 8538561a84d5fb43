"""Products whose results do not depend on chunks, batch or threads.

Integers are multiplied and added exactly, in any order. What is multiplied is rounded row by row: a row of
the input (one step of one sequence) in its own range, a state that tanh or a sigmoid bounds at the fixed
scale 1/127. All else is element by element.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.kinds.base import Multiply
from edgernn.quantize.layer import Matrix

# A range of zeros alone would divide by zero.
_SMALLEST_RANGE = 1e-30


class StableProducts:
    """See above."""

    suffix = ""

    def prepare(self, body: Body, matrix: Matrix, *, bounded: bool) -> Multiply:
        """See `Products`."""
        transposed = body.op("Transpose", matrix.integers, perm=[1, 0])
        assert matrix.scales is not None
        scales, bias = matrix.scales, matrix.bias
        if bounded:
            scales = body.op("Div", scales, body.constant(127, np.float32))
        multiply = partial(_fixed_product if bounded else product, matrix=transposed, scales=scales)

        def times(inner: Body, x: ir.Value) -> ir.Value:
            found = multiply(inner, x)
            return found if bias is None else inner.op("Add", found, bias)

        return times


def product(body: Body, x: ir.Value, matrix: ir.Value, scales: ir.Value) -> ir.Value:
    """x (…, K) times int8 (K, N) with scales (N), each row of x rounded in its own range."""
    largest = body.op("ReduceMax", body.op("Abs", x), body.integers(-1))
    ranges = body.op("Max", largest, body.constant(_SMALLEST_RANGE, np.float32))
    step = body.op("Div", ranges, body.constant(127, np.float32))
    rounded = body.op("Round", body.op("Div", x, step))
    unsigned = body.op("Cast", body.op("Add", rounded, body.constant(128, np.float32)), to=ir.DataType.UINT8)
    return body.op("Mul", body.op("Mul", _multiply(body, unsigned, matrix), step), scales)


def _fixed_product(body: Body, h: ir.Value, matrix: ir.Value, scales: ir.Value) -> ir.Value:
    """h in [-1, 1] times int8 (K, N); `scales` are those of the matrix ÷ 127."""
    zero = body.constant(128, np.uint8)
    unsigned = body.op("QuantizeLinear", h, body.constant(1 / 127, np.float32), zero)
    return body.op("Mul", _multiply(body, unsigned, matrix), scales)


def _multiply(body: Body, unsigned: ir.Value, matrix: ir.Value) -> ir.Value:
    zero = body.constant(128, np.uint8)
    return body.op("Cast", body.op("MatMulInteger", unsigned, matrix, zero), to=ir.DataType.FLOAT)
