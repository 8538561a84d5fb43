"""Many calls in a row, as an app makes them: every latency, and what memory stays behind."""

from __future__ import annotations

import gc
import time
import tracemalloc
from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgernn.bench.contenders.base import Array, Contender
from edgernn.bench.race import Clock
from edgernn.bench.statistics import Latency

# tracemalloc makes calls several times slower, so memory is watched over a part of them.
_WATCHED = 10_000
_SETTLING = 200


@dataclass(frozen=True)
class Endurance:
    """What many calls in a row cost.

    Attributes:
        latency: over all calls.
        bytes_per_call: the most Python memory that a call has in use at once, output included; the median.
        kept_bytes_per_call: Python memory that stayed behind, of which a call should leave none.
        resident_growth_bytes: growth of the whole process, onnxruntime's memory included; None where the
            system does not say.
        watched_calls: calls that the three were taken over.
    """

    latency: Latency
    bytes_per_call: int
    kept_bytes_per_call: float
    resident_growth_bytes: int | None
    watched_calls: int


def endure(
    contender: Contender, inputs: list[Array], calls: int, *, clock: Clock = time.perf_counter_ns
) -> Endurance:
    """Call `calls` times in a row; the garbage collector waits until the end, as in a race."""
    call = contender.call
    for _ in range(_SETTLING):
        call(*inputs)
    # Written once, in one piece: nothing here allocates between two calls.
    samples = array("q", bytes(8 * calls))
    gc.collect()
    collecting = gc.isenabled()
    gc.disable()
    try:
        for index in range(calls):
            start = clock()
            call(*inputs)
            samples[index] = clock() - start
    finally:
        if collecting:
            gc.enable()
    watched = min(calls, _WATCHED)
    before = _resident_bytes()
    each, kept = _watch(contender, inputs, watched)
    after = _resident_bytes()
    return Endurance(
        Latency.of(np.asarray(samples)),  # type: ignore[arg-type]
        each,
        kept,
        None if before is None or after is None else after - before,
        watched,
    )


def _watch(contender: Contender, inputs: list[Array], calls: int) -> tuple[int, float]:
    """The median of the most bytes in use within a call, and the bytes a call left behind."""
    call = contender.call
    peaks = array("q", bytes(8 * calls))
    tracemalloc.start()
    try:
        for _ in range(_SETTLING):
            call(*inputs)
        first, _ = tracemalloc.get_traced_memory()
        for index in range(calls):
            tracemalloc.reset_peak()
            current, _ = tracemalloc.get_traced_memory()
            call(*inputs)
            _, peak = tracemalloc.get_traced_memory()
            peaks[index] = peak - current
        last, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return int(np.median(np.asarray(peaks))), (last - first) / calls


def _resident_bytes() -> int | None:
    """Memory of this process that is in use now; None where the system does not say."""
    status = Path("/proc/self/statm")
    if not status.exists():
        return None
    import resource

    return int(status.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
