"""Which weights a graph has, and rounding them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgernn.quantize.compact.low_rank import LOW_RANK
from edgernn.quantize.kinds import kind_of, matrices_of
from edgernn.quantize.request import KEPT, Request

# Smaller weights save less than their scales and one more node cost.
SMALLEST = 256
# Of an interval of 6 %, until it is as narrow as float32 numbers are apart.
_HALVINGS = 20


@dataclass(frozen=True, eq=False)
class Weight:
    """A float weight of a graph.

    Attributes:
        value: the initializer.
        readers: the nodes that read it.
        axes: the dimensions that one scale covers; every other index is a channel of its own.
        reason: why it cannot be quantized; empty where it can.
    """

    value: ir.Value
    readers: tuple[ir.Node, ...]
    axes: tuple[int, ...]
    reason: str = ""

    @property
    def array(self) -> np.ndarray:
        """Its values."""
        assert self.value.const_value is not None
        return self.value.const_value.numpy()


def find_weights(graph: ir.Graph, request: Request) -> Iterator[Weight]:
    """Every float initializer of more than one dimension or element, with what reads it."""
    holders = _holders(graph)
    for value in list(graph.initializers.values()):
        tensor = value.const_value
        if tensor is None or tensor.dtype != ir.DataType.FLOAT or tensor.size <= 1:
            continue
        uses = list(value.uses())
        readers = tuple(dict.fromkeys(use.node for use in uses))
        if not readers:
            continue
        covered = {covered_axes(use.node, use.idx, len(tensor.shape)) for use in uses}
        axes = covered.pop() if len(covered) == 1 else None
        reason = ""
        if request.keeps(value.name, *(name for node in readers for name in holders[node])):
            reason = KEPT
        elif axes is None:
            kinds = ", ".join(sorted({node.op_type for node in readers}))
            reason = f"read by {kinds} as something other than a weight matrix (a bias, an offset)"
        elif _size(value, readers[0]) < SMALLEST:
            reason = f"{_size(value, readers[0])} elements: fewer than {SMALLEST} save nothing"
        yield Weight(value, readers, axes or (), reason)


def find_recurrent(graph: ir.Graph) -> list[ir.Node]:
    """The recurrent nodes: of ONNX's operators, and of kinds that only edgernn names."""
    return [node for node in graph if kind_of(node) is not None]


def _holders(graph: ir.Graph, outer: tuple[str, ...] = ()) -> dict[ir.Node, tuple[str, ...]]:
    """For each node, bodies included, its name and the names of the nodes whose bodies it stands in."""
    found: dict[ir.Node, tuple[str, ...]] = {}
    for node in graph:
        found[node] = (*outer, node.name or "")
        for attribute in node.attributes.values():
            if attribute.type == ir.AttributeType.GRAPH:
                found |= _holders(attribute.as_graph(), found[node])
            elif attribute.type == ir.AttributeType.GRAPHS:
                for body in attribute.as_graphs():
                    found |= _holders(body, found[node])
    return found


def size_of(weight: Weight) -> int:
    """Elements of a weight; the matrices of a recurrent layer count together, because they go together."""
    return _size(weight.value, weight.readers[0])


def _size(value: ir.Value, reader: ir.Node) -> int:
    """Elements of a weight; the matrices of a recurrent layer count together, because they go together."""
    tensors = [item.const_value for item in matrices_of(reader) or [value]]
    return sum(tensor.size for tensor in tensors if tensor is not None)


def covered_axes(node: ir.Node, index: int, rank: int) -> tuple[int, ...] | None:
    """The dimensions that are summed over where a node uses input `index` as a weight, else None."""
    if node.op_type == LOW_RANK:
        return (rank - 1,)  # of the left factor a row, of the right one what belongs to a singular value
    kind = kind_of(node)
    if kind is not None and index in kind.matrices:
        return (2,)  # (directions, gates × hidden, features): one scale a row
    if node.domain:
        return None
    if node.op_type == "MatMul" and index == 1 and rank == 2:
        return (0,)
    if node.op_type == "Gemm" and index == 1:
        transposed = node.attributes.get("transB")
        return (1,) if transposed is not None and transposed.as_int() else (0,)
    if node.op_type == "Conv" and index == 1:
        return tuple(range(1, rank))
    if node.op_type == "Gather" and index == 0 and rank == 2:
        return (1,)  # an embedding: one scale a row
    if node.op_type == "Transpose" and rank == 2:
        # Vectors of an embedding that also weigh the scores, say: their product reads them transposed.
        covered = {covered_axes(use.node, use.idx, rank) for use in node.outputs[0].uses()}
        axes = covered.pop() if len(covered) == 1 else None
        return None if axes is None else tuple(sorted(1 - axis for axis in axes))
    return None


def round_int8(
    array: np.ndarray, axes: tuple[int, ...], *, for_pairs: bool = False, most: int = 127
) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric rounding, one scale a channel: array ≈ integers × scales.

    Rounding what is rounded already changes nothing, so that what training rounds is what a file holds.

    Args:
        array: float weights.
        axes: the dimensions that one scale covers.
        for_pairs: whether the integers may be multiplied with 8-bit ones. x86 processors without int8 dot
            products add pairs of such products, neighbours along the axes, in 16 bits, and saturate without
            a word. Where a pair of weights of one sign could do that, its channel's scale is larger.
        most: the largest integer, and the largest sum of a pair of one sign; 63 keeps a bit of room.

    Returns:
        int8 integers in -most..most of the array's shape, and float32 scales that broadcast to it.
    """
    rows = _as_rows(array, axes)
    largest = _largest(rows, for_pairs)
    scales = np.where(largest > 0, largest / most, 1.0).astype(np.float32)
    if for_pairs:
        scales = _settle(rows, scales, largest, most)
    integers = np.clip(np.rint(rows / scales), -most, most).astype(np.int8)
    kept = [1 if axis in axes else size for axis, size in enumerate(array.shape)]
    return _from_rows(integers, array.shape, axes), scales.reshape(kept)


def _as_rows(array: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """(channels, what a channel sums over)."""
    others = [axis for axis in range(array.ndim) if axis not in axes]
    return array.transpose(*others, *axes).reshape(math.prod(array.shape[axis] for axis in others), -1)


def _from_rows(rows: np.ndarray, shape: tuple[int, ...], axes: tuple[int, ...]) -> np.ndarray:
    order = [*(axis for axis in range(len(shape)) if axis not in axes), *axes]
    moved = rows.reshape([shape[axis] for axis in order]).transpose(np.argsort(order))
    return np.ascontiguousarray(moved)


def _largest(rows: np.ndarray, for_pairs: bool) -> np.ndarray:
    """(channels, 1): the largest weight, with `for_pairs` or sum of two neighbours' parts of one sign."""
    if not for_pairs:
        single: np.ndarray = np.abs(rows).max(-1, keepdims=True)
        return single
    pairs = np.pad(rows, [(0, 0), (0, rows.shape[-1] % 2)]).reshape(len(rows), -1, 2)
    sums = [np.maximum(sign * pairs, 0).sum(-1).max(-1, keepdims=True) for sign in (1, -1)]
    largest: np.ndarray = np.maximum(*sums)
    return largest


def _settle(rows: np.ndarray, scales: np.ndarray, largest: np.ndarray, most: int) -> np.ndarray:
    """Scales for which the largest pair, once rounded, is `most`: both of a pair may be rounded up, or down.

    The larger a scale, the smaller the rounded pair, so halving an interval finds it; but for a pair that
    goes from one more to one less at once, which is then stored as one less.
    """
    low, high = scales * np.float32(0.97), scales * np.float32(1.03)
    open_rows = np.flatnonzero(largest[:, 0] > 0)
    found = scales.copy()
    for _ in range(_HALVINGS):
        now = _largest(np.rint(rows[open_rows] / found[open_rows]), True)
        open_rows, now = open_rows[now[:, 0] != most], now[now[:, 0] != most]
        if not len(open_rows):
            return found
        low[open_rows] = np.where(now > most, found[open_rows], low[open_rows])
        high[open_rows] = np.where(now < most, found[open_rows], high[open_rows])
        found[open_rows] = (low[open_rows] + high[open_rows]) / 2
    found[open_rows] = largest[open_rows] / np.float32(most - 1)
    return found
