"""A tensor without its blocks of zeros: the other blocks one after another, and a bit for each block."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import onnx_ir as ir

from edgernn.quantize.body import Body

# Elements of a block: those of pruning, or parts of them where rows are short.
_LENGTHS = range(4, 65)
# Two integers of 4 bits, both zero, as int4 stores them.
_TWO_ZEROS = 0x88
_KIND = re.compile(r"Blocks_(\d+)(_transposed)?")


@dataclass(frozen=True, eq=False)
class Blocks:
    """A tensor as its blocks.

    Attributes:
        length: elements of a block, which are neighbours.
        transposed: whether a matrix is seen by its columns.
        values: (blocks that are stored + 1, length); the first is what the others hold, e.g. zeros.
        stored: (blocks ÷ 8) bits, the lowest first: whether a block is stored.
        shape: of the tensor, as it is seen.
    """

    length: int
    transposed: bool
    values: np.ndarray
    stored: np.ndarray
    shape: np.ndarray

    parts: ClassVar[tuple[str, ...]] = ("values", "stored", "shape")

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """What a file holds, in the order of `parts`."""
        return self.values, self.stored, self.shape

    @property
    def bytes(self) -> int:
        """Of all arrays."""
        return sum(array.nbytes for array in self.arrays)

    @property
    def kind(self) -> str:
        """The name of the function that restores such tensors."""
        return f"Blocks_{self.length}" + "_transposed" * self.transposed

    @staticmethod
    def is_kind(name: str) -> bool:
        """Whether a function is one of these."""
        return _KIND.fullmatch(name) is not None

    @staticmethod
    def from_arrays(kind: str, arrays: Sequence[np.ndarray]) -> Blocks:
        """From what a file holds."""
        found = _KIND.fullmatch(kind)
        assert found is not None
        values, stored, shape = arrays
        return Blocks(int(found[1]), found[2] is not None, values, stored, shape)

    def array(self) -> np.ndarray:
        """The tensor."""
        blocks = int(np.prod(self.shape)) // self.length
        stored = np.unpackbits(self.stored, bitorder="little")[:blocks].astype(np.int64)
        seen = self.values[np.cumsum(stored) * stored].reshape(self.shape)
        return np.ascontiguousarray(seen.T if self.transposed else seen)

    def restore(self, body: Body, parts: Sequence[ir.Value]) -> ir.Value:
        """The same in operators that onnxruntime folds when it loads the file."""
        values, stored, shape = parts
        bytes_ = body.op("Unsqueeze", stored, body.integers(1))
        places = body.constant(range(8), np.uint8)
        shifted = body.op("BitShift", bytes_, places, direction="RIGHT")
        bits = body.op("Cast", body.op("Mod", shifted, body.constant(2, np.uint8)), to=ir.DataType.INT64)
        # The last byte may have bits for more blocks than there are; they are not set, and are cut off.
        blocks = body.op("Div", body.op("ReduceProd", shape, keepdims=1), body.integers(self.length))
        flat = body.op("Reshape", bits, body.integers(-1))
        ones = body.op("Slice", flat, body.integers(0), blocks, body.integers(0))
        places_of = body.op("Mul", body.op("CumSum", ones, body.constant(0, np.int64)), ones)
        seen = body.op("Reshape", body.op("Gather", values, places_of, axis=0), shape)
        return body.op("Transpose", seen, perm=[1, 0]) if self.transposed else seen


def find_blocks(array: np.ndarray) -> Blocks | None:
    """The form of fewest bytes; None where no length divides the tensor."""
    fill = _TWO_ZEROS if array.dtype == np.uint8 else 0
    best: tuple[int, int, bool] | None = None
    for transposed in (False, True) if array.ndim == 2 else (False,):
        differs = ((array.T if transposed else array) != fill).reshape(-1)
        for length in _LENGTHS:
            if array.size % length:
                continue
            blocks = array.size // length
            kept = int(np.count_nonzero(differs.reshape(blocks, length).any(-1)))
            size = (kept + 1) * length * array.itemsize + blocks // 8
            if best is None or size < best[0]:
                best = size, length, transposed
    if best is None:
        return None
    _, length, transposed = best
    seen = array.T if transposed else array
    rows = seen.reshape(-1, length)
    stored = (rows != fill).any(-1)
    values = np.concatenate([np.full((1, length), fill, array.dtype), rows[stored]])
    return Blocks(
        length,
        transposed,
        np.ascontiguousarray(values),
        np.packbits(stored, bitorder="little"),
        np.array(seen.shape, np.int64),
    )
