"""Latencies and ratios from raw samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgernn.errors import InputError

_NANOSECONDS = 1e3  # in a microsecond


@dataclass(frozen=True)
class Latency:
    """How long one call takes, in microseconds.

    Attributes:
        p50: the median.
        p90, p99, p999: the times that 90 %, 99 % and 99.9 % of the calls stay within.
        maximum: the slowest call.
        calls: how many calls were measured.
    """

    p50: float
    p90: float
    p99: float
    p999: float
    maximum: float
    calls: int

    @classmethod
    def of(cls, samples: Sequence[int]) -> Latency:
        """The latency of calls that took `samples` nanoseconds. Raises InputError where there are none."""
        if not len(samples):
            raise InputError("samples: no call was measured; measure at least one.")
        times = np.asarray(samples, np.float64) / _NANOSECONDS
        p50, p90, p99, p999 = (float(value) for value in np.quantile(times, (0.5, 0.9, 0.99, 0.999)))
        return cls(p50, p90, p99, p999, float(times.max()), len(times))


@dataclass(frozen=True)
class Ratio:
    """Time of one contender ÷ time of another: below 1 the first is faster.

    Attributes:
        to: the other contender's name.
        median: median, over rounds, of the ratio of the two medians within a round.
        low, high: what 80 % of the rounds lie between; a wide range tells of a busy machine.
    """

    to: str
    median: float
    low: float
    high: float


def ratio_of(mine: Sequence[Sequence[int]], others: Sequence[Sequence[int]], to: str) -> Ratio:
    """The ratio of two contenders' samples, one sequence a round.

    Within a round both ran alternately, so what slows the machine down for a while slows both and leaves
    the round's ratio as it is; the medians drop single interruptions.

    Raises InputError where the rounds do not pair.
    """
    if not len(mine) or len(mine) != len(others):
        raise InputError(f"rounds: expected the same number from 1, found {len(mine)} and {len(others)}.")
    ratios = [float(np.median(a) / np.median(b)) for a, b in zip(mine, others, strict=True)]
    low, median, high = (float(value) for value in np.quantile(ratios, (0.1, 0.5, 0.9)))
    return Ratio(to, median, low, high)
