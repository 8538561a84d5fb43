"""Whole sequences over HTTP: a .npy array or JSON in, the same out."""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from fastapi import HTTPException, Request, Response
from starlette.requests import ClientDisconnect

from edgernn.errors import EdgeRNNError, InputError
from edgernn.runtime import Session
from edgernn.runtime.arrays import Array
from edgernn.runtime.pieces import cut, join
from edgernn.serving.limits import Limits
from edgernn.serving.metrics import Metrics
from edgernn.serving.wire import Wire

_NPY = "application/octet-stream"


class Sequences:
    """Runs sequences one after the other in a thread of their own, so that streams go on meanwhile."""

    def __init__(self, session: Session, wire: Wire, limits: Limits, metrics: Metrics) -> None:
        self._session, self._wire, self._limits, self._metrics = session, wire, limits, metrics
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="edgernn-sequence")
        self._taken = 0

    def stop(self) -> None:
        """End the thread."""
        self._thread.shutdown(cancel_futures=True)

    async def answer(self, request: Request) -> Response:
        """The outputs of a whole sequence, from the initial states.

        Raises HTTPException: 400 for a bad body, 413 for a large one, 408 for a slow one, 415 for another
        type, 503 where too many wait.
        """
        json = request.headers.get("content-type", "").partition(";")[0].strip() == "application/json"
        if not json and not self._wire.binary:
            raise self._refusal(415, "this model has several inputs or outputs; send application/json.")
        if self._taken >= self._limits.max_sequences:
            raise self._refusal(503, "too many sequences are waiting.", {"Retry-After": "1"})
        self._taken += 1
        try:
            most = self._limits.max_message if json else self._limits.max_body
            body = await asyncio.wait_for(self._body(request, most), self._limits.idle_timeout)
            loop = asyncio.get_running_loop()
            content = await loop.run_in_executor(self._thread, self._run, body, json)
        except asyncio.TimeoutError as error:
            raise self._refusal(408, "the body did not come in time.") from error
        except EdgeRNNError as error:
            raise self._refusal(400, str(error)) from error
        finally:
            self._taken -= 1
        self._metrics.sequences.inc()
        return Response(content, media_type="application/json" if json else _NPY)

    async def _body(self, request: Request, most: int) -> bytes:
        body = bytearray()
        try:
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise self._refusal(413, f"a body of more than {most} bytes.")
        except ClientDisconnect as error:
            raise self._refusal(400, "the client left.") from error
        return bytes(body)

    def _run(self, body: bytes, json: bool) -> bytes:
        """Runs in the thread."""
        inputs = self._wire.read_json(body) if json else self._wire.read_array(_read_npy(body))
        outputs = self._outputs(inputs)
        if json:
            return self._wire.write_json(outputs).encode()
        buffer = io.BytesIO()
        np.save(buffer, self._wire.without_batch(outputs), allow_pickle=False)
        return buffer.getvalue()

    def _outputs(self, inputs: list[Array]) -> dict[str, Array]:
        session = self._session
        chunk = session.manifest.chunk
        names = [spec.name for spec in session.outputs]
        stream = session.stream() if session.manifest.streaming else None
        pieces = [inputs] if chunk is None else list(cut(session.inputs, inputs, chunk, 1))
        parts = []
        for piece in pieces:
            found = session.run(*piece) if stream is None else stream.push(*piece)
            parts.append(found if isinstance(found, dict) else {names[0]: found})
        return join(session.outputs, parts)

    def _refusal(self, status: int, reason: str, headers: dict[str, str] | None = None) -> HTTPException:
        self._metrics.refused.labels("sequence").inc()
        return HTTPException(status, reason, headers)


def _read_npy(body: bytes) -> Array:
    try:
        found = np.load(io.BytesIO(body), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"not a .npy array of numbers: {error}.") from error
    if not isinstance(found, np.ndarray):
        raise InputError("several arrays; send one, saved with numpy.save.")
    return found
