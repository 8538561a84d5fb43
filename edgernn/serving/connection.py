"""One client's stream over a WebSocket."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from edgernn.errors import EdgeRNNError, InputError, ModelError
from edgernn.serving.batcher import Batcher
from edgernn.serving.limits import Limits
from edgernn.serving.metrics import Metrics
from edgernn.serving.wire import Wire, parse

# https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
NOT_OFFERED, BAD_DATA, POLICY, INTERNAL, TRY_LATER = 1003, 1007, 1008, 1011, 1013

T = TypeVar("T")


class GoodbyeError(Exception):
    """The server lets a client go: the code and the reason of the close."""

    def __init__(self, code: int, reason: str, counted_as: str) -> None:
        super().__init__(reason)
        self.code, self.reason, self.counted_as = code, reason, counted_as


class Connection:
    """A client: messages in, answers out, one after the other, so that what it floods waits in its socket."""

    def __init__(
        self, socket: WebSocket, batcher: Batcher, wire: Wire, limits: Limits, metrics: Metrics
    ) -> None:
        self._socket, self._batcher, self._wire = socket, batcher, wire
        self._limits, self._metrics = limits, metrics
        self._next_turn = 0.0

    async def serve(self) -> None:
        """Until the client leaves or is let go."""
        await self._socket.accept()
        try:
            try:
                stream_id = self._batcher.open()
            except InputError as error:
                raise GoodbyeError(TRY_LATER, str(error), "full") from error
            try:
                await self._send(json.dumps(self._wire.describe()))
                while True:
                    await self._answer(stream_id)
            finally:
                self._batcher.close(stream_id)
        except WebSocketDisconnect:
            return
        except GoodbyeError as goodbye:
            self._metrics.refused.labels(goodbye.counted_as).inc()
            with suppress(Exception):
                # It may have left, or take nothing any more.
                await asyncio.wait_for(self._say_goodbye(goodbye), timeout=1)

    async def _say_goodbye(self, goodbye: GoodbyeError) -> None:
        await self._socket.send_text(json.dumps({"error": goodbye.reason}))
        # The reason of a close has at most 123 bytes.
        await self._socket.close(goodbye.code, goodbye.reason.encode()[:120].decode(errors="ignore"))

    async def _answer(self, stream_id: int) -> None:
        message = await self._in_time(self._socket.receive(), "sent nothing")
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        began = time.perf_counter()
        binary = message.get("bytes")
        try:
            if binary is not None:
                arrays = self._wire.read_binary(binary)
            else:
                given = parse(message["text"])
                if given == {"reset": True}:
                    self._batcher.reset(stream_id)
                    await self._send('{"reset": true}')
                    return
                arrays = self._wire.from_object(given)
        except InputError as error:
            raise GoodbyeError(BAD_DATA, str(error), "bad message") from error
        steps = self._wire.steps(arrays)
        await self._wait_for_turn(steps)
        try:
            outputs = await self._batcher.push(stream_id, arrays)
        except ModelError as error:
            raise GoodbyeError(BAD_DATA, str(error), "bad message") from error
        except EdgeRNNError as error:
            raise GoodbyeError(INTERNAL, str(error), "stopped") from error
        answer = self._wire.write_json(outputs) if binary is None else self._wire.write_binary(outputs)
        self._metrics.latency.observe(time.perf_counter() - began)
        self._metrics.messages.inc()
        self._metrics.steps.inc(steps)
        await self._send(answer)

    async def _wait_for_turn(self, steps: int) -> None:
        """Hold a client to `max_rate`; a second's worth may come at once."""
        rate = self._limits.max_rate
        if rate == float("inf"):
            return
        now = time.monotonic()
        self._next_turn = max(self._next_turn, now - 1.0) + steps / rate
        if self._next_turn > now:
            await asyncio.sleep(self._next_turn - now)

    async def _send(self, answer: str | bytes) -> None:
        sending = (
            self._socket.send_text(answer) if isinstance(answer, str) else self._socket.send_bytes(answer)
        )
        await self._in_time(sending, "took no answer")

    async def _in_time(self, awaitable: Awaitable[T], what: str) -> T:
        try:
            return await asyncio.wait_for(awaitable, self._limits.idle_timeout)
        except asyncio.TimeoutError as error:
            seconds = self._limits.idle_timeout
            raise GoodbyeError(POLICY, f"the client {what} for {seconds:g} seconds.", "idle") from error
