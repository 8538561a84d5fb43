"""The batching loop: what streams ask for while a call runs goes into the next call."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from edgernn.errors import EdgeRNNError, InputError, ModelError
from edgernn.runtime import Session
from edgernn.runtime.arrays import Array
from edgernn.runtime.pieces import cut, join
from edgernn.serving.metrics import Metrics

# Of the units that the model takes at least, the most that one message has a turn for.
_LARGEST = 64


def _failed() -> InputError:
    return InputError("the server has failed; see its log.")


class Batcher:
    """Streams that share the calls of a pool; lives in one event loop.

    Calls run in a thread of their own, so that the loop reads and writes meanwhile. A message is done piece
    by piece, one a round, so that everyone's turn comes.
    """

    def __init__(self, session: Session, capacity: int, metrics: Metrics) -> None:
        self._session, self._metrics = session, metrics
        self._pool = session.pool(capacity)
        manifest = session.manifest
        self._unit = manifest.chunk or manifest.hop
        self._largest = 1 if manifest.chunk is not None else _LARGEST
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="edgernn-batch")
        self._waiting: dict[int, _Work] = {}
        self._wake = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the loop."""
        self._loop = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop the loop; who still waits is told so."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.wait([self._loop])
        self._thread.shutdown()
        for work in self._waiting.values():
            work.fail(InputError("the server is shutting down."))

    @property
    def alive(self) -> bool:
        """Whether the loop runs."""
        return self._loop is not None and not self._loop.done()

    def __len__(self) -> int:
        return len(self._pool)

    def open(self) -> int:
        """Open a stream. Raises InputError where all are taken."""
        stream_id = self._pool.open()
        self._metrics.streams.set(len(self._pool))
        return stream_id

    def close(self, stream_id: int) -> None:
        """Close a stream, whatever it waits for."""
        self._waiting.pop(stream_id, None)
        self._pool.close(stream_id)
        self._metrics.streams.set(len(self._pool))

    def reset(self, stream_id: int) -> None:
        """Take a stream back to its start."""
        self._pool.reset(stream_id)

    async def push(self, stream_id: int, arrays: Sequence[Array]) -> dict[str, Array]:
        """The outputs for the next inputs of a stream, which were checked; one push of a stream at a time.

        Raises ModelError where the model fails on them; other streams go on.
        """
        if not self.alive:
            raise _failed()
        pieces = cut(self._session.inputs, arrays, self._unit, self._largest)
        work = _Work(stream_id, deque(pieces), asyncio.get_running_loop().create_future())
        self._waiting[stream_id] = work
        self._wake.set()
        parts = await work.done
        return join(self._session.outputs, parts)

    async def _run(self) -> None:
        try:
            await self._rounds()
        except Exception:
            # An error of edgernn's own: nobody is left waiting, and /health tells.
            for work in self._waiting.values():
                work.fail(_failed())
            raise

    async def _rounds(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                works = list(self._waiting.values())
                await loop.run_in_executor(self._thread, self._round, works)
                for work in works:
                    if work.finished and self._waiting.get(work.stream_id) is work:
                        del self._waiting[work.stream_id]
                    work.deliver()

    def _round(self, works: list[_Work]) -> None:
        """One piece of each; pieces of the same shape share a call. Runs in the thread."""
        groups: dict[tuple[tuple[int, ...], ...], list[_Work]] = {}
        for work in works:
            groups.setdefault(tuple(array.shape for array in work.pieces[0]), []).append(work)
        for group in groups.values():
            try:
                self._call(group)
            except ModelError:  # noqa: PERF203 - a call is far longer
                # One of them has what the model fails on, say an index that an embedding lacks.
                for work in group:
                    self._call_alone(work)

    def _call(self, group: list[_Work]) -> None:
        for work in group:
            self._push(work)
        outputs = self._pool.step()
        self._metrics.rows.observe(len(outputs))
        name = self._session.outputs[0].name
        for work in group:
            found = outputs.get(work.stream_id)
            if found is not None:
                work.take(found if isinstance(found, dict) else {name: found})
            elif work.error is None:
                work.error = InputError("the stream was closed.")  # between push and step

    def _push(self, work: _Work) -> None:
        try:
            self._pool.push(work.stream_id, *work.pieces[0])
        except InputError as error:
            work.error = error  # the client left a moment ago

    def _call_alone(self, work: _Work) -> None:
        self._pool.drop_all()
        try:
            self._call([work])
        except ModelError as error:
            self._pool.drop_all()
            work.error = error


class _Work:
    """A message on its way through the rounds."""

    __slots__ = ("done", "error", "parts", "pieces", "stream_id")

    def __init__(
        self,
        stream_id: int,
        pieces: deque[list[Array]],
        done: asyncio.Future[list[dict[str, Array]]],
    ) -> None:
        self.stream_id, self.pieces, self.done = stream_id, pieces, done
        self.parts: list[dict[str, Array]] = []
        self.error: EdgeRNNError | None = None

    @property
    def finished(self) -> bool:
        return self.error is not None or not self.pieces

    def take(self, outputs: dict[str, Array]) -> None:
        """The outputs of the first piece."""
        self.parts.append(outputs)
        self.pieces.popleft()

    def fail(self, error: EdgeRNNError) -> None:
        """End it."""
        self.error = error
        self.deliver()

    def deliver(self) -> None:
        """Tell who waits, if it is over and anybody still does."""
        if not self.finished or self.done.done():
            return
        if self.error is not None:
            self.done.set_exception(self.error)
        else:
            self.done.set_result(self.parts)
