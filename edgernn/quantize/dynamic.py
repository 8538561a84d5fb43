"""onnxruntime's own products with matrices of integers: fast, and rounding what is multiplied as it comes."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgernn.quantize.body import CONTRIB, Body
from edgernn.quantize.kinds.base import Multiply
from edgernn.quantize.layer import Matrix

# Columns of a matrix that MatMulNBits takes together.
_BLOCKS = (128, 64, 32, 16)


class DynamicProducts:
    """DynamicQuantizeMatMul: all rows in one range. Every onnxruntime has it."""

    suffix = ""

    def prepare(self, body: Body, matrix: Matrix, *, bounded: bool) -> Multiply:
        """See `Products`."""
        transposed = body.op("Transpose", matrix.integers, perm=[1, 0])

        def times(inner: Body, x: ir.Value) -> ir.Value:
            return inner.op(
                "DynamicQuantizeMatMul", x, transposed, matrix.scales, None, matrix.bias, domain=CONTRIB
            )

        return times


class BlockProducts:
    """MatMulNBits with 8 bits: block by block of a row, a fifth faster. onnxruntime has it from 1.22.

    Its operator's attributes say how large a matrix is, so that layers of several sizes have several bodies.
    """

    suffix = "nbits"

    def prepare(self, body: Body, matrix: Matrix, *, bounded: bool) -> Multiply:
        """See `Products`; what fills up the last block is zero."""
        assert matrix.size is not None
        assert matrix.scales is not None
        rows, columns = matrix.size
        block = min(_BLOCKS, key=lambda block: (-columns % block, -block))
        blocks = -(-columns // block)
        wide = body.op(
            "Add", body.op("Cast", matrix.integers, to=ir.DataType.INT32), body.constant(128, np.int32)
        )
        if columns % block:
            pads = body.integers(0, 0, 0, -columns % block)
            wide = body.op("Pad", wide, pads, body.constant(128, np.int32))
        unsigned = body.op("Cast", wide, to=ir.DataType.UINT8)
        packed = body.op("Reshape", unsigned, body.integers(rows, blocks, block))
        column = body.op("Unsqueeze", matrix.scales, body.integers(1))
        flat = body.op("Reshape", body.op("Expand", column, body.integers(rows, blocks)), body.integers(-1))

        def times(inner: Body, x: ir.Value) -> ir.Value:
            return inner.op(
                "MatMulNBits", x, packed, flat, None, None, matrix.bias, domain=CONTRIB,
                K=columns, N=rows, bits=8, block_size=block, accuracy_level=4,
            )  # fmt: skip

        return times
