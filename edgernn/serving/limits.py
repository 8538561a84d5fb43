"""What one client may ask of a server."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from edgernn.errors import InputError


@dataclass(frozen=True)
class Limits:
    """Limits of a server; every one is there so that no client harms another.

    Attributes:
        max_clients: streams at once; also the rows of the largest batched call.
        max_message: bytes of a WebSocket message, and of a JSON request.
        max_body: bytes of a binary request with a whole sequence.
        max_sequences: whole sequences at work or waiting; more are told to come later.
        max_rate: time steps a second of each stream. A client that sends faster waits: what it sends stays in
            its own connection.
        idle_timeout: seconds after which a client is let go that sends nothing, or does not take its answers.
    """

    max_clients: int = 256
    max_message: int = 256 * 1024
    max_body: int = 64 * 1024 * 1024
    max_sequences: int = 16
    max_rate: float = math.inf
    idle_timeout: float = 60.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            whole = isinstance(field.default, int)
            if (
                isinstance(value, bool)
                or not isinstance(value, int if whole else int | float)
                or not value > 0
            ):
                kind = "a whole number" if whole else "a number"
                raise InputError(f"{field.name}: expected {kind} above 0, found {value!r}.")
