"""A stream: chunks go in, outputs come out, the states stay inside."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np

from edgernn.errors import InputError
from edgernn.manifest import TensorSpec
from edgernn.runtime.arrays import Array, check_finite, in_order, initial_state, to_array
from edgernn.runtime.outputs import hand_out
from edgernn.runtime.plan import Plan, Shapes, make_plan, require_streaming
from edgernn.runtime.session import Session, run_error
from edgernn.runtime.snapshot import Snapshot, check_fits

# Plans kept, one for each shape of chunk; the least recently used goes first.
_PLANS = 8

_BUSY = "this stream is at work in another thread; open one stream for each thread."

_ndarray = np.ndarray


class Stream:
    """One stream (or `batch` streams in step) of a streaming model; make one with `Session.stream`.

    The states live in two sets of buffers: each push reads one and writes the other, so that a push that
    fails leaves the states as they were.

    A stream belongs to one thread at a time: a push that meets another still running raises InputError.
    Streams of one session run side by side in as many threads as you like.

    Attributes:
        session: the loaded model.
        batch: rows of every chunk.
    """

    __slots__ = (
        "_acquire",
        "_arguments",
        "_dtype",
        "_plan",
        "_plans",
        "_release",
        "_runs",
        "_shape",
        "_side",
        "_states",
        "_x",
        "_y",
        "batch",
        "session",
    )

    def __init__(self, session: Session, batch: int = 1) -> None:
        require_streaming(session, "stream")
        if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
            raise InputError(f"batch: expected a whole number from 1, found {batch!r}.")
        if batch != 1 and not any("batch" in spec.dims for spec in session.inputs):
            raise InputError(f"batch: the model's batch is fixed at 1, found {batch}. Open one stream a row.")
        self.session = session
        self.batch = batch
        lock = Lock()
        self._acquire, self._release = lock.acquire, lock.release
        first = self._initial()
        self._states = (first, [array.copy() for array in first])
        self._side = 0  # which set of states the next push reads
        self._plans: OrderedDict[Shapes, Plan] = OrderedDict()
        self._plan: Plan | None = None  # keeps the arrays that the fast path's bindings point into
        self._shape: tuple[int, ...] | None = None  # the chunk that the fast path takes; None: no fast path

    def push(
        self, chunk: object = None, /, *more: object, out: Any = None, **named: object
    ) -> Array | dict[str, Array]:
        """Run the next chunk and keep the new states.

        Args:
            chunk: (batch, time, feature), with `manifest.chunk` steps where that is fixed, otherwise with any
                multiple of `manifest.hop`. A plain number will do where a step is one.
            more: further inputs, in the manifest's order.
            out: an array to write the output into instead of a fresh one; a dict by name where the model
                has several outputs.
            named: inputs by name.

        Returns:
            The output, (batch, time ÷ hop, feature), as an array of its own; a dict by name where the model
            has several. `out` where that was given.

        Raises:
            InputError: the chunk does not fit, or another thread is pushing. The states stay as they were.
        """
        if not self._acquire(False):
            raise InputError(_BUSY)
        try:
            if (
                type(chunk) is _ndarray
                and chunk.shape == self._shape
                and chunk.dtype is self._dtype
                and not more
                and not named
            ):
                side = self._side
                self._x[...] = chunk
                try:
                    self._runs[side](*self._arguments[side])
                except Exception as error:
                    raise run_error(self.session, error) from error
                y = self._y
                result = y.copy() if out is None else hand_out(self.session.outputs, [y], out)
                self._side = 1 - side
                return result
            values = more if chunk is None else (chunk, *more)
            return self._push_any(in_order(self.session.inputs, values, named), out)
        finally:
            self._release()

    def reset(self) -> None:
        """Go back to the initial states, as before the first push."""
        self._write_states(self._initial())

    def snapshot(self) -> Snapshot:
        """A copy of the states, to `restore` later, here or in another stream of the same file."""
        return Snapshot(self.session.digest, self.batch, self.states)

    def restore(self, snapshot: Snapshot) -> None:
        """Take the states of `snapshot`. Raises InputError where it is of another model or batch."""
        names = [state.input for state in self.session.manifest.states]
        like = dict(zip(names, self._states[0], strict=True))
        check_fits(snapshot, self.session.digest, self.batch, like)
        self._write_states([snapshot.states[name] for name in names])

    def picked(self, rows: Sequence[int] | Array) -> Stream:
        """A stream whose rows go on from rows of this one: row i from row `rows[i]`, which may come twice.

        It is how a search keeps some of its rows, each perhaps several times. With as many rows as this
        stream has, it is this stream itself; otherwise a new one, and this one stays as it is.

        Raises:
            InputError: where there are no rows, or ones that this stream does not have.
        """
        chosen = np.asarray(rows, np.int64)
        if chosen.ndim != 1 or not chosen.size or chosen.min() < 0 or chosen.max() >= self.batch:
            raise InputError(f"rows: must be numbers from 0 to {self.batch - 1}, found {list(rows)}.")
        current = self._states[self._side]
        arrays = [
            array.take(chosen, axis=state.dims.index("batch")) if "batch" in state.dims else array
            for state, array in zip(self.session.manifest.states, current, strict=True)
        ]
        stream = self if len(chosen) == self.batch else Stream(self.session, len(chosen))
        stream._write_states(arrays)
        return stream

    @property
    def states(self) -> dict[str, Array]:
        """Copies of the current states, by input name."""
        with self._alone():
            current = self._states[self._side]
            return {
                state.input: array.copy()
                for state, array in zip(self.session.manifest.states, current, strict=True)
            }

    def __repr__(self) -> str:
        return f"Stream({str(self.session.path)!r}, batch={self.batch})"

    def _push_any(self, values: list[object], out: Any) -> Array | dict[str, Array]:
        """`push` for every case that the fast path leaves out."""
        specs = self.session.inputs
        arrays = [
            _one_step(to_array(value, spec), spec, self.batch)
            for value, spec in zip(values, specs, strict=True)
        ]
        if self.session.nan == "refuse":
            for array, spec in zip(arrays, specs, strict=True):
                check_finite(array, spec)
        plan = self._use_plan(tuple(array.shape for array in arrays))
        for bound, array in zip(plan.inputs, arrays, strict=True):
            bound[...] = array
        try:
            results = plan.calls[self._side].invoke()
        except Exception as error:
            raise run_error(self.session, error) from error
        outputs = self.session.outputs
        # A wrong `out` raises here, before the side changes: the states stay as they were.
        given = hand_out(outputs, results[: len(outputs)], out)
        self._side = 1 - self._side
        return given

    def _use_plan(self, shapes: Shapes) -> Plan:
        """The plan for chunks of `shapes`, made at their first use; the fast path is set to it."""
        plan = self._plans.get(shapes)
        if plan is None:
            plan = make_plan(self.session, shapes, self.batch, self._states)
            self._plans[shapes] = plan
            if len(self._plans) > _PLANS:
                self._plans.popitem(last=False)
        self._plans.move_to_end(shapes)
        simple = len(plan.inputs) == len(plan.outputs) == 1 and self.session.nan == "allow"
        bound = plan.outputs[0] if simple else None
        self._plan, self._shape = plan, None
        if bound is not None:
            self._x, self._y = plan.inputs[0], bound
            self._shape, self._dtype = self._x.shape, self._x.dtype
            self._runs = (plan.calls[0].run, plan.calls[1].run)
            self._arguments = (plan.calls[0].arguments, plan.calls[1].arguments)
        return plan

    def _initial(self) -> list[Array]:
        return [initial_state(state, {"batch": self.batch}) for state in self.session.manifest.states]

    def _write_states(self, arrays: Sequence[Array]) -> None:
        with self._alone():
            for target, array in zip(self._states[self._side], arrays, strict=True):
                target[...] = array

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads out, as `push` does by hand because a context manager costs a microsecond."""
        if not self._acquire(False):
            raise InputError(_BUSY)
        try:
            yield
        finally:
            self._release()


def _one_step(array: Array, spec: TensorSpec, batch: int) -> Array:
    """A plain number as a chunk of one step, where a step is one number; any other array as it is."""
    if array.ndim == 0 and batch == 1 and all(isinstance(dim, str) or dim == 1 for dim in spec.dims):
        return array.reshape((1,) * len(spec.dims))
    return array
