"""Layer-normalised LSTM and GRU (Ba et al., 2016, supplement, equations 20 to 22 and 27 to 29).

    LN(v; γ) = γ (v − mean(v)) / √(var(v) + 10⁻⁵)         over the features of each row

    LSTM
    i, f, g, o = LN(W_ih x; γ_ih) + b_ih + LN(W_hh h; γ_hh)
    c' = σ(f) c + σ(i) tanh(g)
    h' = σ(o) tanh(LN(c'; γ_c) + b_c)

    GRU, with the rows of z and r in the first line and those of n in the second
    z, r = LN(W_ih x; γ_ih) + b_ih + LN(W_hh h; γ_hh)
    n = tanh(LN(W_ih x; γ_ih) + b_ih + σ(r) (LN(W_hh h; γ_hh) + b_hn))
    h' = (1 − σ(z)) h + σ(z) n

The LSTM normalises its four gates together; the GRU normalises z and r together, and n alone.

Parameters, with G gates (i, f, g, o or z, r, n): weight_ih (G hidden, input), weight_hh (G hidden, hidden),
gain_ih and gain_hh (G hidden,); LSTM: gain_c (hidden,). Where the layer has them: bias_ih (G hidden,), and
bias_c (LSTM) or bias_hn (GRU) (hidden,). The state is (h, c) or (h,).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgernn.reference.activations import sigmoid, tanh
from edgernn.reference.arrays import Array, Parameters, State, as_array, as_state

_EPSILON = 1e-5


def lstm_step(parameters: Parameters, x: npt.ArrayLike, state: State) -> tuple[Array, State]:
    """One time step: x (batch, input), state (h, c) of (batch, hidden) → output h, new state (h, c)."""
    from_input, from_hidden, bias, (h, c) = _read(parameters, x, state, gates=4, states=2)
    gain_ih, gain_hh = parameters["gain_ih"], parameters["gain_hh"]
    a = _normalized(from_input, gain_ih) + _normalized(from_hidden, gain_hh) + bias
    a_i, a_f, a_g, a_o = np.split(a, 4, axis=-1)
    c = sigmoid(a_f) * c + sigmoid(a_i) * tanh(a_g)
    gain_c = as_array("gain_c", parameters["gain_c"], (h.shape[1],))
    bias_c = as_array("bias_c", parameters.get("bias_c", np.zeros(h.shape[1])), (h.shape[1],))
    h = sigmoid(a_o) * tanh(_normalized(c, gain_c) + bias_c)
    return h, (h, c)


def gru_step(parameters: Parameters, x: npt.ArrayLike, state: State) -> tuple[Array, State]:
    """One time step: x (batch, input), state (h,) of (batch, hidden) → output h, new state (h,)."""
    from_input, from_hidden, bias, (h,) = _read(parameters, x, state, gates=3, states=1)
    hidden = h.shape[1]
    gates, candidate = slice(2 * hidden), slice(2 * hidden, None)
    gain_ih, gain_hh = parameters["gain_ih"], parameters["gain_hh"]
    a_gates = (
        _normalized(from_input[:, gates], gain_ih[gates])
        + _normalized(from_hidden[:, gates], gain_hh[gates])
        + bias[gates]
    )
    z, r = np.split(sigmoid(a_gates), 2, axis=-1)
    bias_hn = as_array("bias_hn", parameters.get("bias_hn", np.zeros(hidden)), (hidden,))
    from_past = _normalized(from_hidden[:, candidate], gain_hh[candidate]) + bias_hn
    n = tanh(_normalized(from_input[:, candidate], gain_ih[candidate]) + bias[candidate] + r * from_past)
    h = (1.0 - z) * h + z * n
    return h, (h,)


def _normalized(v: Array, gain: Array) -> Array:
    centred: Array = v - v.mean(axis=-1, keepdims=True)
    deviation: Array = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + _EPSILON)
    return gain * centred / deviation


def _read(
    parameters: Parameters, x: npt.ArrayLike, state: State, gates: int, states: int
) -> tuple[Array, Array, Array, State]:
    """W_ih x, W_hh h, b and the state, checked."""
    weight_hh = as_array("weight_hh", parameters["weight_hh"], (f"{gates} * hidden", "hidden"))
    hidden = weight_hh.shape[1]
    rows = gates * hidden
    weight_ih = as_array("weight_ih", parameters["weight_ih"], (rows, "input"))
    for name in ("gain_ih", "gain_hh"):
        as_array(name, parameters[name], (rows,))
    bias = as_array("bias_ih", parameters.get("bias_ih", np.zeros(rows)), (rows,))
    x = as_array("x", x, ("batch", weight_ih.shape[1]))
    state = as_state("state", state, [(len(x), hidden)] * states)
    return x @ weight_ih.T, state[0] @ weight_hh.T, bias, state
