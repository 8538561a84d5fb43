"""int4: weights in 4 bits, a scale for each short block of a channel; activations and states stay float32.

Two integers share a byte, and scales are half floats. onnxruntime unpacks the weights once, when it loads
the file, which then runs as the float32 file does; plain operators of ONNX do it. edgernn's kernels leave
them packed, and multiply them as integers with inputs and states in 8 bits. Small weights, which hold few
bytes and where a few levels hurt most, are stored as int8.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.int8 import Int8
from edgernn.quantize.kernel_form import folded_body
from edgernn.quantize.kinds import matrices_of
from edgernn.quantize.report import TensorReport
from edgernn.quantize.request import Option, Request
from edgernn.quantize.store import Storage, replace_recurrent, store_weights, widen_the_rest
from edgernn.quantize.weights import Weight, find_recurrent, find_weights, size_of

NAME = "int4"
# Of a matrix of low rank the two factors are stored.
FACTORS = True
OPTIONS = {"block_size": Option(32, "Weights that share a scale.", (16, 32, 64, 128))}

# Elements from which a weight gets 4 bits.
LARGE = 4096
# Candidates for a block's scale, as shares of the one that clips nothing: clipping the largest a little
# makes the steps of all others smaller.
_SHARES = np.linspace(1.0, 0.7, 7, dtype=np.float32)


class Int4(Storage):
    """Integers -8…7, two in a byte, and one half float a block.

    The weight is seen as rows × columns, where a row is what one channel sums over, and columns are filled up
    to whole blocks.

    Args:
        block_size: columns that share a scale.
        transposed: whether the weight's channels are its last dimension.
    """

    name = NAME
    parts = ("int4", "scale", "shape")

    def __init__(self, block_size: int, *, transposed: bool = False) -> None:
        self.block_size = block_size
        self.transposed = transposed
        self.kind = f"{NAME}_{block_size}" + ("_transposed" if transposed else "")

    def encode(self, weight: Weight) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
        """Bytes (rows, blocks × block_size / 2), scales (rows, blocks), the shape before a transposition."""
        array = weight.array.T if self.transposed else weight.array
        columns = int(np.prod([weight.array.shape[axis] for axis in weight.axes]))
        packed, scales, wide = pack_int4(array.reshape(-1, columns), self.block_size)
        wide = wide.reshape(array.shape)
        shape = np.array(array.shape, np.int64)
        return (packed, scales, shape), wide.T if self.transposed else wide

    def widen(self, body: Body, parts: Sequence[ir.Value]) -> ir.Value:
        """Unpack, scale, and drop what fills up the last block."""
        packed, scales, shape = parts
        four = body.constant(4, np.uint8)
        blocks = body.op("Reshape", packed, body.integers(0, -1, self.block_size // 2))
        low = body.op(
            "BitShift", body.op("BitShift", blocks, four, direction="LEFT"), four, direction="RIGHT"
        )
        high = body.op("BitShift", blocks, four, direction="RIGHT")
        unsigned = body.op("Cast", body.op("Concat", low, high, axis=-1), to=ir.DataType.FLOAT)
        integers = body.op("Sub", unsigned, body.constant(8, np.float32))
        scale = body.op("Unsqueeze", body.op("Cast", scales, to=ir.DataType.FLOAT), body.integers(-1))
        rows = body.op("Flatten", body.op("Mul", integers, scale), axis=1)
        # Of the weight's shape, what lies behind the rows: its size is that of a row.
        number = body.op("Shape", packed, start=0, end=1)
        elements = body.op("ReduceProd", shape, keepdims=1)
        columns = body.op("Div", elements, number)
        kept = body.op("Slice", rows, body.integers(0), columns, body.integers(1))
        wide = body.op("Reshape", kept, shape)
        return body.op("Transpose", wide, perm=[1, 0]) if self.transposed else wide


def pack_int4(matrix: np.ndarray, block_size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A matrix (rows, columns) as int4 stores it.

    Returns:
        Bytes (rows, blocks × block_size / 2), scales (rows, blocks), and the matrix that they stand for.
    """
    rows, columns = matrix.shape
    padded = np.pad(matrix, ((0, 0), (0, -columns % block_size)))
    integers, scales = round_int4(padded.reshape(rows, -1, block_size))
    wide = (integers * scales.astype(np.float32)).reshape(rows, -1)[:, :columns]
    # The first half of a block lies in the low bits, the second half in the high ones.
    half = block_size // 2
    unsigned = (integers + 8).astype(np.uint8)
    packed = (unsigned[..., :half] | unsigned[..., half:] << 4).reshape(rows, -1)
    return packed, scales[..., 0], wide


def round_int4(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Blocks (…, block) → integers -8…7 of that shape, and half floats (…, 1) that make the error smallest.

    The largest weight of a block lies at -8, as there is one level more on that side.
    """
    at = np.abs(blocks).argmax(-1, keepdims=True)
    largest = np.take_along_axis(blocks, at, -1)
    best: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    for share in _SHARES:
        scales = (largest * (-share / 8)).astype(np.float16)
        steps = scales.astype(np.float32)
        integers = np.clip(np.rint(blocks / np.where(steps == 0, 1, steps)), -8, 7)
        errors = ((integers * steps - blocks) ** 2).sum(-1, keepdims=True)
        if best is not None:
            better = errors < best[2]
            integers = np.where(better, integers, best[0])
            scales, errors = np.where(better, scales, best[1]), np.where(better, errors, best[2])
        best = integers, scales, errors
    assert best is not None
    return best[0].astype(np.int8), best[1]


def storage_of(weight: Weight, elements: int, options: Mapping[str, Any]) -> Storage:
    """How a weight is stored; `elements` counts those that are stored with it.

    A channel of few weights takes no less in a block that it does not fill, so it stays int8.
    """
    block_size: int = options["block_size"]
    columns = math.prod(weight.array.shape[axis] for axis in weight.axes)
    channel = -(-columns // block_size) * (block_size // 2 + 2)
    if elements < LARGE or channel >= columns + 4:
        return Int8()
    return Int4(block_size, transposed=weight.axes == (0,))


def apply(model: ir.Model, request: Request) -> list[TensorReport]:
    """Quantize a model in place; tells of every weight what was done."""

    def choose(weight: Weight) -> Storage:
        return storage_of(weight, size_of(weight), request.options)

    reports, stored, storages = store_weights(model.graph, list(find_weights(model.graph, request)), choose)
    bodies = {}
    for node in find_recurrent(model.graph):
        found = {storage.kind: storage for value in matrices_of(node) if (storage := storages.get(value))}
        if len(found) == 1:
            ((kind, storage),) = found.items()
            suffix, body = folded_body(node, kind)
            bodies[node] = (kind + suffix, storage.parts, body)
    replace_recurrent(model, stored, bodies)
    widen_the_rest(model, stored, storages)
    return reports
