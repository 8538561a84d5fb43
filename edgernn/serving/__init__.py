"""A model behind WebSocket and HTTP: streams of many clients that share batched calls.

Routes:

- `/stream`, WebSocket: the server greets with a JSON object that describes inputs, outputs and `steps` (a
  message holds a multiple of them). Each message of time steps is answered by a message of outputs, in order;
  binary by binary, JSON by JSON, see `edgernn.serving.wire`. `{"reset": true}` takes the stream back to its
  start. Before it lets a client go the server sends `{"error": reason}` and closes with 1007 (a message that
  does not fit), 1008 (idle) or 1013 (all streams are taken); a message too large closes with 1009 at once.
- `POST /run`: a whole sequence, a .npy array (application/octet-stream) or JSON.
- `GET /health`, `GET /model`, `GET /metrics` (Prometheus).

There is neither encryption nor a password: it listens on this machine alone unless told otherwise, and
belongs behind a proxy that has both.
"""

from __future__ import annotations

import socket
from collections.abc import Collection

import uvicorn

from edgernn.errors import InputError
from edgernn.runtime import Session
from edgernn.serving.app import make_app
from edgernn.serving.limits import Limits

__all__ = ["Limits", "listen", "make_app", "make_server"]


def make_server(session: Session, limits: Limits, origins: Collection[str] = ()) -> uvicorn.Server:
    """A server that is not yet running: call its `run(sockets=[listen(…)])`."""
    config = uvicorn.Config(
        make_app(session, limits, origins),
        log_level="warning",
        access_log=False,
        ws="websockets-sansio",
        ws_max_size=limits.max_message,
        ws_per_message_deflate=False,  # it would cost more than the bytes it spares
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises InputError where it cannot."""
    try:
        return socket.create_server((host, port), backlog=1024)
    except (OSError, OverflowError) as error:
        raise InputError(f"host and port: cannot listen on {host}:{port} ({error}).") from error
