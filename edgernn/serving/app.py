"""The web application: routes and their life."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response, WebSocket

import edgernn
from edgernn.runtime import Session
from edgernn.serving.batcher import Batcher
from edgernn.serving.connection import NOT_OFFERED, POLICY, Connection
from edgernn.serving.limits import Limits
from edgernn.serving.metrics import Metrics
from edgernn.serving.sequences import Sequences
from edgernn.serving.wire import Wire

_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def make_app(session: Session, limits: Limits, origins: Collection[str] = ()) -> FastAPI:
    """The application that serves a model; `origins` are web pages that may use it, e.g. https://my.site.

    A page in a browser can reach a server on the visitor's own machine; those not named are refused. Programs
    that are no browsers send no Origin.
    """
    metrics, wire = Metrics(), Wire(session)
    sequences = Sequences(session, wire, limits, metrics)
    batcher = Batcher(session, limits.max_clients, metrics) if session.manifest.streaming else None

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        if batcher is not None:
            batcher.start()
        yield
        if batcher is not None:
            await batcher.stop()
        sequences.stop()

    app = FastAPI(title="edgernn", version=edgernn.__version__, lifespan=life)

    @app.websocket("/stream")
    async def stream(socket: WebSocket) -> None:
        """A stream: messages of time steps in, their outputs back; see the documentation of edgernn serve."""
        origin = socket.headers.get("origin")
        if origin is not None and origin not in origins:
            metrics.refused.labels("origin").inc()
            await socket.close(POLICY)
            return
        if batcher is None:
            await socket.accept()
            await socket.close(NOT_OFFERED, "a sequence model keeps no states: POST /run")
            return
        await Connection(socket, batcher, wire, limits, metrics).serve()

    @app.post("/run")
    async def run(request: Request) -> Response:
        """A whole sequence: a .npy array, or JSON, in; the same out."""
        origin = request.headers.get("origin")
        if origin is not None and origin not in origins:
            metrics.refused.labels("origin").inc()
            return Response(status_code=403)
        return await sequences.answer(request)

    @app.get("/health")
    async def health() -> Response:
        """200 while it works, 503 where the batching loop has ended."""
        alive = batcher is None or batcher.alive
        data = {
            "status": "ok" if alive else "failed",
            "model": session.digest,
            "streams": 0 if batcher is None else len(batcher),
            "max_clients": limits.max_clients,
        }
        return Response(json.dumps(data), 200 if alive else 503, media_type="application/json")

    @app.get("/model")
    async def model() -> Response:
        """The file's own description."""
        return Response(session.manifest.to_json(), media_type="application/json")

    @app.get("/metrics")
    async def numbers() -> Response:
        """Counters in Prometheus' format."""
        return Response(metrics.text(), media_type=_PROMETHEUS)

    return app
