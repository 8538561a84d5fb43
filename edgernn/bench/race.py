"""Timing several ways to do the same, fairly, on a machine that does other things too."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from edgernn.bench.contenders.base import Array, Contender
from edgernn.bench.statistics import Latency, Ratio, ratio_of
from edgernn.errors import InputError

Clock = Callable[[], int]

# Contenders take turns that are short against the time in which a machine's speed changes, and, where calls
# are short, long enough for a contender to have its weights in the cache.
_CALLS_A_TURN, _TURN_NANOSECONDS = 50, 4_000_000
_MOST_CALLS, _FEWEST_CALLS = 200, 8
_ROUND_NANOSECONDS = 60_000_000
_WARM_UP_CALLS, _WARM_UP_NANOSECONDS = 20, 100_000_000
# Untimed calls at the start of a turn of several, which bring back what the others pushed out of the cache.
_SETTLING_CALLS = 3


@dataclass(frozen=True)
class Race:
    """What was measured.

    Attributes:
        samples: for each contender, by name, nanoseconds per call and stream, one list a round.
    """

    samples: dict[str, list[list[int]]]

    def latency(self, name: str) -> Latency:
        """The latency of one contender over all rounds."""
        return Latency.of([sample for round_ in self.samples[name] for sample in round_])

    def ratio(self, name: str, to: str) -> Ratio:
        """Time of `name` ÷ time of `to`."""
        return ratio_of(self.samples[name], self.samples[to], to)


def race(
    contenders: Sequence[Contender],
    inputs: Sequence[Array],
    *,
    rounds: int = 9,
    clock: Clock = time.perf_counter_ns,
) -> Race:
    """Time all contenders on the same inputs, in turns within every round, after a warm-up.

    The order is reversed from round to round, and the garbage collector waits until the end. The clock's own
    tens of nanoseconds are in every sample.

    Args:
        contenders: with unique names; see `edgernn.bench.agreement.check_agree` first.
        inputs: what each call gets.
        rounds: the more, the steadier the ratio.
        clock: gives nanoseconds.

    Raises:
        InputError: where there is no contender, two share a name, or `rounds` is no whole number from 1.
    """
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
        raise InputError(f"rounds: expected a whole number from 1, found {rounds!r}. Use 9 or more.")
    names = [contender.name for contender in contenders]
    if not names or len(set(names)) != len(names):
        raise InputError(f"contenders: expected one or more with different names, found {names}.")
    # As many calls a round for each, so that their percentiles mean the same.
    slowest = max(1.0, *(_warm_up(contender, inputs, clock) for contender in contenders))
    calls = max(_FEWEST_CALLS, min(_MOST_CALLS, int(_ROUND_NANOSECONDS / slowest)))
    turn = max(1, min(_CALLS_A_TURN, int(_TURN_NANOSECONDS / slowest)))
    samples: dict[str, list[list[int]]] = {name: [] for name in names}
    collecting = gc.isenabled()
    gc.disable()
    try:
        for number in range(rounds):
            order = contenders if number % 2 == 0 else contenders[::-1]
            for name, found in _round(order, inputs, calls, turn, clock).items():
                samples[name].append(found)
    finally:
        if collecting:
            gc.enable()
    return Race(samples)


def _round(
    contenders: Sequence[Contender], inputs: Sequence[Array], calls: int, turn: int, clock: Clock
) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {contender.name: [] for contender in contenders}
    while calls > 0:
        timed = min(calls, turn)
        for contender in contenders:
            for _ in range(min(_SETTLING_CALLS, turn // 4)):
                contender.call(*inputs)
            times = time_calls(contender.call, inputs, timed, clock)
            found[contender.name].extend(sample // contender.streams for sample in times)
        calls -= timed
    return found


def time_calls(
    call: Callable[..., object], inputs: Sequence[Array], calls: int, clock: Clock = time.perf_counter_ns
) -> list[int]:
    """Nanoseconds of each of `calls` calls."""
    samples = []
    for _ in range(calls):
        start = clock()
        call(*inputs)
        samples.append(clock() - start)
    return samples


def _warm_up(contender: Contender, inputs: Sequence[Array], clock: Clock) -> float:
    """Call until things have settled; the median nanoseconds of a call."""
    samples: list[int] = []
    while len(samples) < _WARM_UP_CALLS and sum(samples) < _WARM_UP_NANOSECONDS:
        samples.extend(time_calls(contender.call, inputs, 2, clock))
    return float(median(samples[len(samples) // 2 :]))
