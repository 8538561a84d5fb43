"""Timing, against a clock that only the contenders move."""

import gc

import numpy as np
import pytest

from edgernn.bench.contenders import Contender
from edgernn.bench.contenders.base import nothing
from edgernn.bench.race import race
from edgernn.errors import InputError

X = [np.zeros(1)]


def contender(clock, name, nanoseconds, streams=1, log=None):
    def call(x):
        clock.now += nanoseconds() if callable(nanoseconds) else nanoseconds
        if log is not None:
            log.append((name, gc.isenabled()))

    return Contender(name, "", call, lambda result: [], nothing, streams=streams)


def test_a_slower_contender_has_a_ratio_above_one(clock):
    result = race([contender(clock, "slow", 3000), contender(clock, "fast", 2000)], X, rounds=3, clock=clock)
    ratio = result.ratio("slow", "fast")
    assert (ratio.to, ratio.median, ratio.low, ratio.high) == ("fast", 1.5, 1.5, 1.5)
    assert result.ratio("fast", "slow").median == pytest.approx(2 / 3)
    assert result.latency("slow").p50 == 3.0


def test_a_machine_that_slows_down_for_seconds_leaves_the_ratio(clock):
    def slowing(nanoseconds):
        return lambda: nanoseconds * (1 + clock.now // 1_000_000)

    contenders = [contender(clock, "a", slowing(3000)), contender(clock, "b", slowing(1000))]
    result = race(contenders, X, rounds=9, clock=clock)
    assert result.latency("a").maximum > 4 * min(min(round_) for round_ in result.samples["a"]) / 1000
    assert result.ratio("a", "b").median == pytest.approx(3.0, rel=0.1)


def test_rare_interruptions_show_in_the_tail_alone(clock):
    random = np.random.default_rng(0)
    interrupted = contender(clock, "a", lambda: 50_000 if random.random() < 0.01 else 1000)
    result = race([interrupted, contender(clock, "b", 1000)], X, rounds=9, clock=clock)
    assert result.ratio("a", "b").median == 1.0
    assert result.latency("a").p50 == 1.0
    assert result.latency("a").p999 == 50.0


def test_contenders_take_turns_and_the_order_is_reversed(clock):
    log = []
    contenders = [contender(clock, name, 1000, log=log) for name in "ab"]
    result = race(contenders, X, rounds=2, clock=clock)
    order = "".join(name for name, _ in log)
    turns = [name for name, before in zip(order, " " + order, strict=False) if name != before]
    assert len(turns) > 8
    assert order.count("a") == order.count("b")
    assert turns[0] == "a"
    assert turns[-1] == "a"
    assert [len(round_) for round_ in result.samples["a"]] == [len(round_) for round_ in result.samples["b"]]


def test_long_calls_take_turns_one_by_one(clock):
    log = []
    contenders = [contender(clock, name, 10_000_000, log=log) for name in "ab"]
    race(contenders, X, rounds=1, clock=clock)
    assert "".join(name for name, _ in log).endswith("abababababababab")


def test_the_garbage_collector_waits_and_comes_back(clock):
    log = []
    race([contender(clock, "a", 1000, log=log)], X, rounds=1, clock=clock)
    assert gc.isenabled()
    assert not log[-1][1]


def test_times_are_per_stream(clock):
    contenders = [contender(clock, "pool", 32_000, streams=32), contender(clock, "one", 10_000)]
    assert race(contenders, X, rounds=1, clock=clock).ratio("pool", "one").median == pytest.approx(0.1)


@pytest.mark.parametrize("rounds", [0, -1, 1.5, True])
def test_rounds_must_be_a_whole_number(clock, rounds):
    with pytest.raises(InputError, match="rounds"):
        race([contender(clock, "a", 1)], X, rounds=rounds, clock=clock)


def test_names_must_differ(clock):
    with pytest.raises(InputError, match="different names"):
        race([contender(clock, "a", 1), contender(clock, "a", 1)], X, clock=clock)
