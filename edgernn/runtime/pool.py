"""Many streams that share one batched call, their states kept apart."""

from __future__ import annotations

import heapq
import os
from collections import OrderedDict
from threading import Lock

import numpy as np

from edgernn.errors import InputError
from edgernn.files import existing_file, write_bytes
from edgernn.runtime.arrays import Array, check_finite, in_order, initial_row, initial_state, to_array
from edgernn.runtime.batching import Batching, require_batch, row_at
from edgernn.runtime.plan import Shapes, require_streaming
from edgernn.runtime.pool_file import PoolStates, rows_at
from edgernn.runtime.session import Session, run_error
from edgernn.runtime.snapshot import Snapshot, check_fits

# Shapes of chunk whose buffers are kept; the least recently used goes first.
_SHAPES = 8

_ndarray = np.ndarray


class StreamPool:
    """Up to `capacity` streams of one model that share a call; make one with `Session.pool`.

    Each `push` queues one chunk for one stream; `step` runs everything queued in one call. Safe to use from
    several threads.

    Attributes:
        session: the loaded model.
        capacity: how many streams may be open at once.
    """

    def __init__(self, session: Session, capacity: int) -> None:
        require_streaming(session, "pool")
        if isinstance(capacity, bool) or not isinstance(capacity, int) or capacity < 1:
            raise InputError(f"capacity: expected a whole number from 1, found {capacity!r}.")
        require_batch(session)
        self.session = session
        self.capacity = capacity
        first = [initial_state(state, {"batch": capacity}) for state in session.manifest.states]
        self._states = (first, [array.copy() for array in first])
        self._side = 0  # which set holds the states
        self._names = tuple(state.input for state in session.manifest.states)
        self._axes = [state.dims.index("batch") for state in session.manifest.states]
        self._next_id = 0  # ids are never used again, so that a stale one is noticed
        self._slots: dict[int, int] = {}
        self._free = list(range(capacity))
        self._owners = [-1] * capacity  # the id of each slot
        # For each input: slot -> the bytes of its chunk. Bytes are the cheapest copy there is, and joining
        # them makes the batch.
        self._chunks: list[dict[int, bytes]] = [{} for _ in session.inputs]
        self._queued = self._chunks[0]
        self._batchings: OrderedDict[Shapes, Batching] = OrderedDict()
        self._batching: Batching | None = None
        self._shape: tuple[int, ...] | None = None  # the chunk that the fast path of push takes
        self._lock = Lock()
        self._acquire, self._release = self._lock.acquire, self._lock.release

    def open(self) -> int:
        """Open a stream at the initial states; its id. Raises InputError where the pool is full."""
        with self._lock:
            if not self._free:
                raise InputError(f"the pool is full: all {self.capacity} streams are open. Close one first.")
            slot = heapq.heappop(self._free)
            self._set_initial(slot)
            stream_id = self._next_id
            self._next_id += 1
            self._slots[stream_id], self._owners[slot] = slot, stream_id
            return stream_id

    def close(self, stream_id: int) -> None:
        """Close a stream; a chunk that it has queued is dropped. Its id is never used again."""
        with self._lock:
            slot = self._slot(stream_id)
            del self._slots[stream_id]
            for chunks in self._chunks:
                chunks.pop(slot, None)
            heapq.heappush(self._free, slot)

    def reset(self, stream_id: int) -> None:
        """Take a stream back to the initial states; a chunk that it has queued will start from them."""
        with self._lock:
            self._set_initial(self._slot(stream_id))

    def snapshot(self, stream_id: int) -> Snapshot:
        """A copy of a stream's states, to `restore` later, in any pool, or `Stream` of batch 1, of this file.

        A chunk that the stream has queued is no part of it.
        """
        with self._lock:
            slot = self._slot(stream_id)
            states = {
                name: rows_at(array, axis, [slot])
                for name, array, axis in zip(self._names, self._states[self._side], self._axes, strict=True)
            }
            return Snapshot(self.session.digest, 1, states)

    def restore(self, stream_id: int, snapshot: Snapshot) -> None:
        """Give a stream the states of `snapshot`. Raises InputError where it is of another model or batch."""
        with self._lock:
            slot = self._slot(stream_id)
            current = self._states[self._side]
            like = [rows_at(array, axis, [slot]) for array, axis in zip(current, self._axes, strict=True)]
            check_fits(snapshot, self.session.digest, 1, dict(zip(self._names, like, strict=True)))
            for name, array, axis in zip(self._names, current, self._axes, strict=True):
                array[row_at(axis, [slot])] = snapshot.states[name]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all open streams, with their ids, to a file (a .npz without pickle), whole or not at all.

        Raises InputError where a chunk is queued, which would be lost: call step first.
        """
        with self._lock:
            if self._queued:
                raise InputError(f"pool: {len(self._queued)} chunks are queued; call step before save.")
            slots = list(self._slots.values())
            states = [
                rows_at(array, axis, slots)
                for array, axis in zip(self._states[self._side], self._axes, strict=True)
            ]
            saved = PoolStates(
                self.session.digest, self._names, tuple(self._slots), self._next_id, tuple(states)
            )
        write_bytes(path, saved.to_bytes())

    def load(self, path: str | os.PathLike[str]) -> tuple[int, ...]:
        """Open the streams of a file that `save` wrote, under their old ids, which it returns.

        Raises InputError where this pool has been used, the file is of another model or damaged, or holds
        more streams than the pool takes.
        """
        saved = PoolStates.from_bytes(existing_file(path, "pool").read_bytes())
        with self._lock:
            if self._next_id:
                raise InputError("pool: it has been used already; load into a new one.")
            current = self._states[self._side]
            saved.check_fits(self.session.digest, self.capacity, self._names, current, self._axes)
            for slot, stream_id in enumerate(saved.ids):
                self._slots[stream_id], self._owners[slot] = slot, stream_id
            self._free = list(range(len(saved.ids), self.capacity))
            self._next_id = saved.next_id
            for array, axis, rows in zip(current, self._axes, saved.states, strict=True):
                array[row_at(axis, slice(len(saved.ids)))] = rows
            return saved.ids

    def push(self, stream_id: int, chunk: object = None, /, *more: object, **named: object) -> None:
        """Queue the next chunk of a stream for the coming `step`.

        Args:
            stream_id: what `open` gave.
            chunk: (1, time, feature); all chunks of one step have the same time.
            more: further inputs, in the manifest's order.
            named: inputs by name.

        Raises:
            InputError: the id is not open, the stream has a chunk queued already, or the chunk does not fit.
        """
        # acquire and release cost half of a `with`, which counts where a push is half a microsecond.
        self._acquire()
        try:
            slot = self._slots.get(stream_id)
            if slot is None:
                raise self._stale(stream_id)
            if slot in self._queued:
                raise InputError(f"stream {stream_id} has a chunk queued already; call step first.")
            if (
                type(chunk) is _ndarray
                and chunk.shape == self._shape
                and chunk.dtype is self._dtype
                and not more
                and not named
            ):
                self._queued[slot] = chunk.tobytes()
            else:
                values = more if chunk is None else (chunk, *more)
                self._queue(slot, in_order(self.session.inputs, values, named))
        finally:
            self._release()

    def step(self) -> dict[int, Array | dict[str, Array]]:
        """Run the queued chunks in one call; the streams without one keep their states.

        Returns:
            For each stream that had a chunk, by id, what `Stream.push` would have given: the output
            (1, time ÷ hop, feature), or a dict by name. The arrays of one step share memory, each its part.

        Raises:
            ModelError: the call failed; states and queue are as they were.
        """
        with self._lock:
            if not self._queued or self._batching is None:
                return {}
            full = len(self._queued) == self.capacity
            slots = range(self.capacity) if full else sorted(self._queued)
            chunks = [list(map(queue.__getitem__, slots)) for queue in self._chunks]
            try:
                outputs, self._side = self._batching.run(slots, chunks, self._side)
            except Exception as error:
                raise run_error(self.session, error) from error
            for queue in self._chunks:
                queue.clear()
            ids = self._owners if full else map(self._owners.__getitem__, slots)
            if len(outputs) == 1:
                return dict(zip(ids, outputs[0], strict=True))
            names = [spec.name for spec in self.session.outputs]
            return {
                stream_id: dict(zip(names, rows, strict=True))
                for stream_id, rows in zip(ids, zip(*outputs, strict=True), strict=True)
            }

    def drop_all(self) -> None:
        """Drop every chunk that is queued, for instance after a step that failed."""
        with self._lock:
            for queue in self._chunks:
                queue.clear()

    def __len__(self) -> int:
        return len(self._slots)

    def __repr__(self) -> str:
        return f"StreamPool({str(self.session.path)!r}, {len(self)} of {self.capacity} streams open)"

    def _slot(self, stream_id: int) -> int:
        slot = self._slots.get(stream_id)
        if slot is None:
            raise self._stale(stream_id)
        return slot

    def _stale(self, stream_id: int) -> InputError:
        return InputError(f"stream {stream_id!r} is not open in this pool: never opened, or closed.")

    def _set_initial(self, slot: int) -> None:
        for state, array in zip(self.session.manifest.states, self._states[self._side], strict=True):
            axis = state.dims.index("batch")
            row = initial_row(state)
            array[row_at(axis, slot)] = row.squeeze(axis) if row.ndim else row

    def _queue(self, slot: int, values: list[object]) -> None:
        """`push` for every case that its fast path leaves out."""
        specs = self.session.inputs
        arrays = [to_array(value, spec) for value, spec in zip(values, specs, strict=True)]
        if self.session.nan == "refuse":
            for array, spec in zip(arrays, specs, strict=True):
                check_finite(array, spec)
        self._use_batching(tuple(array.shape for array in arrays))
        for queue, array in zip(self._chunks, arrays, strict=True):
            queue[slot] = array.tobytes()

    def _use_batching(self, shapes: Shapes) -> None:
        """The buffers for chunks of `shapes`, made at their first use; the fast path is set to them."""
        batching = self._batchings.get(shapes)
        if batching is None:
            batching = Batching(self.session, self._states, self.capacity, shapes)
        if self._queued and batching is not self._batching:
            raise InputError(
                f"this chunk has shape {', '.join(map(str, shapes))}, but those queued for the coming step "
                "have another; all chunks of a step must have the same length. Call step first."
            )
        self._batchings[shapes] = batching
        self._batchings.move_to_end(shapes)
        if len(self._batchings) > _SHAPES:
            self._batchings.popitem(last=False)
        self._batching, self._shape = batching, None
        if len(shapes) == 1 and self.session.nan == "allow":
            self._shape, self._dtype = shapes[0], np.dtype(self.session.inputs[0].dtype)
