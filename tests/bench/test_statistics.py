"""Percentiles and ratios, on samples whose answers are known."""

import pytest

from edgernn.bench.statistics import Latency, ratio_of
from edgernn.errors import InputError


def test_percentiles_are_in_microseconds():
    latency = Latency.of([1000 * value for value in range(1, 1002)])
    assert latency == Latency(501.0, 901.0, 991.0, 1000.0, 1001.0, 1001)


def test_no_sample_is_an_error():
    with pytest.raises(InputError, match="no call was measured"):
        Latency.of([])


def test_a_round_that_was_slow_for_both_does_not_change_the_ratio():
    mine = [[20, 20, 20], [200, 200, 200], [20, 20, 20]]
    other = [[10, 10, 10], [100, 100, 100], [10, 10, 10]]
    ratio = ratio_of(mine, other, "other")
    assert (ratio.low, ratio.median, ratio.high) == (2.0, 2.0, 2.0)


def test_one_interruption_does_not_change_the_ratio():
    mine = [[20, 20, 90_000], [20, 20, 20], [20, 20, 20]]
    ratio = ratio_of(mine, [[10, 10, 10]] * 3, "other")
    assert ratio.median == 2.0


def test_the_spread_shows_rounds_that_differ():
    ratio = ratio_of([[10], [20], [30]], [[10], [10], [10]], "other")
    assert ratio.median == 2.0
    assert ratio.low == pytest.approx(1.2)
    assert ratio.high == pytest.approx(2.8)


@pytest.mark.parametrize(("mine", "other"), [([], []), ([[1]], [[1], [1]])])
def test_rounds_that_do_not_pair_are_an_error(mine, other):
    with pytest.raises(InputError, match="rounds"):
        ratio_of(mine, other, "other")
