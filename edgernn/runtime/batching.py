"""Buffers and prepared calls that let several streams of a pool share one call into onnxruntime."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgernn.errors import InputError
from edgernn.runtime.arrays import Array
from edgernn.runtime.call import Call, prepare
from edgernn.runtime.plan import Shapes, check_chunk, feeds_and_fetches, output_buffer
from edgernn.runtime.session import Session

# Prepared calls kept, one for each number of rows; the least recently used goes first.
_CALLS = 64

States = tuple[list[Array], list[Array]]


class Batching:
    """The call of a pool for chunks of one shape, for any number of its slots.

    Args:
        session: the loaded model.
        states: two sets of state buffers with `capacity` rows: a call of all slots reads one set and writes
            the other.
        capacity: slots of the pool.
        shapes: shape of one stream's chunk, one an input, with batch 1.
    """

    def __init__(self, session: Session, states: States, capacity: int, shapes: Shapes) -> None:
        manifest = session.manifest
        self._session, self._states, self._capacity = session, states, capacity
        self._sizes = check_chunk(manifest, shapes, {"batch": 1})
        self._in_axes = [spec.dims.index("batch") for spec in manifest.inputs]
        self._state_axes = [state.dims.index("batch") for state in manifest.states]
        self._out_axes = [spec.dims.index("batch") for spec in manifest.outputs]
        # Room for the largest call; a call of fewer rows uses the beginning.
        self._inputs = [
            np.empty(_with_rows(shape, axis, capacity), spec.dtype)
            for shape, axis, spec in zip(shapes, self._in_axes, manifest.inputs, strict=True)
        ]
        self._old = [np.empty_like(array) for array in states[0]]
        self._new = [np.empty_like(array) for array in states[0]]
        sizes = {**self._sizes, "batch": capacity}
        self._outputs = [output_buffer(manifest, spec, sizes) for spec in manifest.outputs]
        self._full = [
            self._prepare(self._inputs, self._outputs, states[side], states[1 - side]) for side in (0, 1)
        ]
        self._partial: OrderedDict[int, _PartialCall] = OrderedDict()

    def run(
        self, slots: Sequence[int], chunks: Sequence[Sequence[bytes]], side: int
    ) -> tuple[list[Array], int]:
        """Run `slots`, in rising order, from and to the states of set `side`.

        `chunks` holds for each input the bytes of one chunk a slot.

        Returns the outputs as arrays of their own, to iterate over by slot; and which set of states is
        current now.
        """
        count = len(slots)
        if count == self._capacity:
            self._fill(self._inputs, chunks)
            return self._split(self._full[side].invoke()), 1 - side
        partial = self._partial_call(count)
        self._fill(partial.inputs, chunks)
        index = np.fromiter(slots, np.intp, count)
        for source, axis, target in zip(self._states[side], self._state_axes, partial.old, strict=True):
            # mode="clip" writes straight into `out`; the default goes through a buffer.
            np.take(source, index, axis=axis, out=target, mode="clip")
        results = partial.call.invoke()
        for target, axis, source in zip(self._states[side], self._state_axes, partial.new, strict=True):
            target[row_at(axis, index)] = source
        return self._split(results), side

    def _fill(self, inputs: Sequence[Array], chunks: Sequence[Sequence[bytes]]) -> None:
        for array, axis, rows in zip(inputs, self._in_axes, chunks, strict=True):
            joined = np.frombuffer(b"".join(rows), array.dtype)
            if axis == 0:
                array[...] = joined.reshape(array.shape)
            else:
                by_row = joined.reshape(len(rows), *_with_rows(array.shape, axis, 1))
                array[...] = np.moveaxis(by_row, 0, axis).reshape(array.shape)

    def _partial_call(self, count: int) -> _PartialCall:
        partial = self._partial.get(count)
        if partial is None:
            inputs = [
                _head(array, axis, count) for array, axis in zip(self._inputs, self._in_axes, strict=True)
            ]
            old = [_head(array, axis, count) for array, axis in zip(self._old, self._state_axes, strict=True)]
            new = [_head(array, axis, count) for array, axis in zip(self._new, self._state_axes, strict=True)]
            outputs = [
                None if array is None else _head(array, axis, count)
                for array, axis in zip(self._outputs, self._out_axes, strict=True)
            ]
            partial = _PartialCall(inputs, old, new, self._prepare(inputs, outputs, old, new))
            self._partial[count] = partial
            if len(self._partial) > _CALLS:
                self._partial.popitem(last=False)
        self._partial.move_to_end(count)
        return partial

    def _prepare(
        self,
        inputs: Sequence[Array],
        outputs: Sequence[Array | None],
        old: Sequence[Array],
        new: Sequence[Array],
    ) -> Call:
        return prepare(
            self._session.engine, *feeds_and_fetches(self._session.manifest, inputs, outputs, old, new)
        )

    def _split(self, results: Sequence[Array]) -> list[Array]:
        return [_by_row(array.copy(), axis) for array, axis in zip(results, self._out_axes, strict=False)]


class _PartialCall:
    """The arrays of a call with fewer rows than the pool has slots, and the call."""

    __slots__ = ("call", "inputs", "new", "old")

    def __init__(self, inputs: list[Array], old: list[Array], new: list[Array], call: Call) -> None:
        self.inputs, self.old, self.new, self.call = inputs, old, new, call


def require_batch(session: Session) -> None:
    """Raise InputError naming the first tensor of the model that has no free batch to share."""
    manifest = session.manifest
    for name, dims in (
        *((spec.name, spec.dims) for spec in (*manifest.inputs, *manifest.outputs)),
        *((state.input, state.dims) for state in manifest.states),
    ):
        if "batch" not in dims:
            raise InputError(
                f"pool: {name!r} of {str(session.path)!r} has no free batch dimension, so streams cannot "
                "share a call. Export with a free batch, or open one stream each."
            )


def _with_rows(shape: tuple[int, ...], axis: int, rows: int) -> tuple[int, ...]:
    return (*shape[:axis], rows, *shape[axis + 1 :])


def row_at(axis: int, index: Any) -> tuple[Any, ...]:
    """What to index an array with to get `index` along `axis` and everything else whole."""
    return (*(slice(None),) * axis, index)


def _by_row(array: Array, axis: int) -> Array:
    """A view to iterate over: one item a row along `axis`, each with an axis of 1 in its place."""
    if axis == 0:
        return array[:, None]  # the usual case, at a tenth of the time
    return np.expand_dims(np.moveaxis(array, axis, 0), axis + 1)


def _head(array: Array, axis: int, rows: int) -> Array:
    """A contiguous array of `rows` rows along `axis` over the beginning of the array's memory."""
    shape = _with_rows(array.shape, axis, rows)
    return array.reshape(-1)[: int(np.prod(shape))].reshape(shape)
