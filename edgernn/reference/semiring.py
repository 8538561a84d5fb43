"""Recurrences over the places of a chain: the forward algorithm and Viterbi's (Rabiner, 1989, "A tutorial on
hidden Markov models", sections III A and B), of which a conditional random field is made.

With M(i, j) what a step adds on the way from place i to place j:

    log-sum                                 max-plus
    a(j) = log Σ_i exp(s(i) + M(i, j))      a(j) = max_i s(i) + M(i, j),  p(j) = argmax_i s(i) + M(i, j)
    s'(j) = a(j) - log Σ_k exp a(k)         s'(j) = a(j) - max_k a(k)

There are no parameters: x is M, row by row. The state is (s,).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgernn.reference.arrays import Array, State, as_array, as_state


def log_sum_step(x: npt.ArrayLike, state: State) -> tuple[Array, State]:
    """One step: x (batch, places × places), state (s,) of (batch, places) → output a, new state (s',)."""
    sums = _log_sum(_summands(x, state), axis=1)
    return sums, (sums - _log_sum(sums, axis=-1)[:, None],)


def max_plus_step(x: npt.ArrayLike, state: State) -> tuple[Array, State]:
    """One step: x (batch, places × places), state (s,) of (batch, places) → output p, new state (s',)."""
    summands = _summands(x, state)
    best = summands.max(axis=1)
    return summands.argmax(axis=1).astype(np.float64), (best - best.max(axis=-1, keepdims=True),)


def follow_step(x: npt.ArrayLike, state: State) -> tuple[Array, State]:
    """One step back: x (batch, places) the back-pointers p, state (place,) of (batch, 1) → p(place)."""
    (place,) = as_state("state", state, [(len(np.asarray(x)), 1)])
    pointers = as_array("x", x, (len(place), "places"))
    before = np.take_along_axis(pointers, place.astype(np.int64), axis=-1)
    return before, (before,)


def _summands(x: npt.ArrayLike, state: State) -> Array:
    scores = np.asarray(state[0])
    x = as_array("x", x, (len(scores), scores.shape[-1] ** 2))
    (scores,) = as_state("state", state, [(len(x), scores.shape[-1])])
    return scores[:, :, None] + x.reshape(*scores.shape, scores.shape[-1])


def _log_sum(values: Array, axis: int) -> Array:
    largest = values.max(axis=axis, keepdims=True)
    total: Array = np.log(np.exp(values - largest).sum(axis=axis)) + largest.squeeze(axis)
    return total
