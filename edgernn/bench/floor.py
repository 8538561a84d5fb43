"""The floor under a step: reading every weight once, as fast as the cache that holds them gives them out.

No program can be faster than that with these weights, whatever it computes with. Numpy's own matrix-vector
product is no such floor, so the bandwidth is that of plain passes over memory of the weights' size.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgernn.bench.race import Clock, time_calls

_SECONDS = 1e-9  # in a nanosecond
_BUDGET_NANOSECONDS = 150_000_000
_FEWEST, _MOST = 10, 2000


@dataclass(frozen=True)
class Floor:
    """The least time of a step.

    Attributes:
        weight_bytes: bytes that a step must read: each weight of the file once.
        bytes_per_second: measured, on as many bytes.
    """

    weight_bytes: int
    bytes_per_second: float

    @property
    def microseconds(self) -> float:
        """The floor."""
        return 1e6 * self.weight_bytes / self.bytes_per_second

    def percent(self, microseconds: float) -> float:
        """How much of a step of that length the floor is: 100 would be a step that cannot be faster."""
        return 100.0 * self.microseconds / microseconds


def measure_floor(weight_bytes: int, *, clock: Clock = time.perf_counter_ns) -> Floor | None:
    """The floor of a step with that many bytes of weights; None where there are none."""
    return Floor(weight_bytes, bandwidth(weight_bytes, clock=clock)) if weight_bytes > 0 else None


def bandwidth(size: int, *, clock: Clock = time.perf_counter_ns) -> float:
    """Bytes per second at which one thread passes over `size` bytes that it has passed over before.

    The fastest of two passes counts: a copy (half the bytes read, half written) and a search for the largest
    element (all read). What the same call costs on a single element is taken off.
    """
    half = max(1, size // 8)  # 4-byte elements in either half of a copy
    whole = np.zeros(2 * half, np.int32)
    source, target = whole[:half], whole[half:]
    one = whole[:1].copy()
    passes: list[tuple[Callable[[], object], Callable[[], object]]] = [
        (lambda: np.copyto(target, source), lambda: np.copyto(one, one)),
        (lambda: whole.max(), lambda: one.max()),
    ]
    best = 0.0
    for full, empty in passes:
        fixed = _typical(empty, clock)
        seconds = max(_typical(full, clock) - fixed, 1.0) * _SECONDS
        best = max(best, whole.nbytes / seconds)
    return best


def _typical(call: Callable[[], object], clock: Clock) -> float:
    """Median nanoseconds of a call."""
    first = max(1, min(time_calls(call, (), 3, clock)))
    calls = max(_FEWEST, min(_MOST, _BUDGET_NANOSECONDS // first))
    return float(np.median(time_calls(call, (), calls, clock)))
