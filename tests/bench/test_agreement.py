"""What computes something else is not timed."""

import numpy as np
import pytest

from edgernn.bench.agreement import check_agree
from edgernn.bench.contenders import Contender
from edgernn.errors import ParityError


def running_sum(name, *, error=0.0, exact=True, forgets=False, shape=None):
    """y = the sum of all x so far; with an error, or without memory."""
    state = [0.0]

    def call(x):
        state[0] = (0.0 if forgets else state[0]) + x
        return state[0] + error

    def outputs(result):
        return [np.asarray(result).reshape(shape or -1)]

    def reset():
        state[0] = 0.0

    return Contender(name, "", call, outputs, reset, exact=exact)


CHUNKS = [[np.array([1.0, 2.0])], [np.array([3.0, 4.0])]]


def test_equal_contenders_pass_whatever_state_they_were_in():
    used = running_sum("b")
    used.call(np.array([9.0, 9.0]))
    check_agree([running_sum("a"), used, running_sum("c", error=1e-5)], CHUNKS)


@pytest.mark.parametrize(
    "other",
    [
        running_sum("wrong", error=0.1),
        running_sum("wrong", error=float("nan")),
        running_sum("wrong", forgets=True),
        running_sum("wrong", shape=(1, 2)),
        running_sum("wrong", error=2.0, exact=False),
    ],
    ids=["values", "nan", "state not carried", "shape", "more than rounding"],
)
def test_another_function_is_refused_by_name(other):
    with pytest.raises(ParityError, match="'wrong' does not compute what 'a' computes"):
        check_agree([running_sum("a"), other], CHUNKS)


def test_rounded_weights_may_differ_by_some_percent():
    check_agree([running_sum("a"), running_sum("int8", error=0.1, exact=False)], CHUNKS)


def test_states_are_initial_again_afterwards():
    first, second = running_sum("a"), running_sum("b")
    check_agree([first, second], CHUNKS)
    assert first.call(np.array([1.0])) == second.call(np.array([1.0])) == 1.0
