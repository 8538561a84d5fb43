"""minGRU and minLSTM (Feng et al., 2024, "Were RNNs all we needed?"): gates that do not look at the state.

    minGRU                                  minLSTM
    z = σ(W_z x + b_z)                      f = σ(W_f x + b_f),  i = σ(W_i x + b_i)
    n = g(W_n x + b_n)                      n = g(W_n x + b_n)
    h' = (1 − z) h + z n                    h' = (f h + i n) / (f + i)

g is the identity, or where `positive` v + 1/2 for v ≥ 0 and σ(v) for v < 0.

Parameters: gates.weight (2 hidden, input), rows z, n; for minLSTM (3 hidden, input), rows f, i, n; and, where
the layer has it, gates.bias. The state is (h,).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgernn.reference.activations import sigmoid
from edgernn.reference.arrays import Array, Parameters, State, as_array, as_state


def min_gru_step(
    parameters: Parameters, x: npt.ArrayLike, state: State, *, positive: bool = False
) -> tuple[Array, State]:
    """One time step: x (batch, input), state (h,) of (batch, hidden) → output h, new state (h,)."""
    (a_z, a_n), (h,) = _read(parameters, x, state, blocks=2)
    z = sigmoid(a_z)
    h = (1.0 - z) * h + z * _candidate(a_n, positive)
    return h, (h,)


def min_lstm_step(
    parameters: Parameters, x: npt.ArrayLike, state: State, *, positive: bool = False
) -> tuple[Array, State]:
    """One time step: x (batch, input), state (h,) of (batch, hidden) → output h, new state (h,)."""
    (a_f, a_i, a_n), (h,) = _read(parameters, x, state, blocks=3)
    # f / (f + i) = σ(log f − log i): both may be too small to divide by.
    share = sigmoid(np.logaddexp(0.0, -a_i) - np.logaddexp(0.0, -a_f))
    h = share * h + (1.0 - share) * _candidate(a_n, positive)
    return h, (h,)


def _candidate(v: Array, positive: bool) -> Array:
    return np.where(v >= 0.0, v + 0.5, sigmoid(v)) if positive else v


def _read(parameters: Parameters, x: npt.ArrayLike, state: State, blocks: int) -> tuple[list[Array], State]:
    """W x + b in its blocks, and the state, both checked."""
    weight = as_array("gates.weight", parameters["gates.weight"], (f"{blocks} * hidden", "input"))
    bias = as_array("gates.bias", parameters.get("gates.bias", np.zeros(len(weight))), (len(weight),))
    x = as_array("x", x, ("batch", weight.shape[1]))
    state = as_state("state", state, [(len(x), len(weight) // blocks)])
    return np.split(x @ weight.T + bias, blocks, axis=-1), state
