"""LSTM with peepholes (Gers & Schmidhuber, 2000): the gates also see the cell state.

    i = σ(W_ii x + b_ii + W_hi h + b_hi + p_i c)        input gate
    f = σ(W_if x + b_if + W_hf h + b_hf + p_f c)        forget gate
    g = tanh(W_ig x + b_ig + W_hg h + b_hg)             candidate
    c' = f c + i g
    o = σ(W_io x + b_io + W_ho h + b_ho + p_o c')       output gate: it sees the new cell state
    h' = o tanh(c')

Parameters: those of lstm.py, and peephole (3, hidden) with the rows p_i, p_f, p_o. The state is (h, c).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgernn.reference.activations import sigmoid, tanh
from edgernn.reference.affine import affine
from edgernn.reference.arrays import Array, Parameters, State, as_array
from edgernn.reference.parameters import read_step


def step(parameters: Parameters, x: npt.ArrayLike, state: State) -> tuple[Array, State]:
    """One time step: x (batch, input), state (h, c) of (batch, hidden) → output h, new state (h, c)."""
    others = {name: value for name, value in parameters.items() if name != "peephole"}
    weights, x, (h, c) = read_step(others, x, state, gates=4, states=2)
    p_i, p_f, p_o = as_array("peephole", parameters["peephole"], (3, weights.hidden_size))
    from_hidden = affine(h, weights.weight_hh, weights.bias_hh)
    a = affine(x, weights.weight_ih, weights.bias_ih) + from_hidden
    a_i, a_f, a_g, a_o = np.split(a, 4, axis=-1)
    i, f, g = sigmoid(a_i + p_i * c), sigmoid(a_f + p_f * c), tanh(a_g)
    c = f * c + i * g
    o = sigmoid(a_o + p_o * c)
    h = o * tanh(c)
    return h, (h, c)
