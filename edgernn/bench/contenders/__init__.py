"""Ways to run the same network, made alike so that they can race: one file a way."""

from __future__ import annotations

from edgernn.bench.contenders.base import Array, Contender

__all__ = ["Array", "Contender"]
