"""LSTM with coupled input and forget gate (Greff et al., 2017): it forgets as much as it takes in.

    i = σ(W_ii x + b_ii + W_hi h + b_hi)        input gate; 1 − i is the forget gate
    g = tanh(W_ig x + b_ig + W_hg h + b_hg)     candidate
    o = σ(W_io x + b_io + W_ho h + b_ho)        output gate
    c' = (1 − i) c + i g
    h' = o tanh(c')

Parameters: as in lstm.py but with the three gates i, g, o. The state is (h, c).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgernn.reference.activations import sigmoid, tanh
from edgernn.reference.affine import affine
from edgernn.reference.arrays import Array, Parameters, State
from edgernn.reference.parameters import read_step


def step(parameters: Parameters, x: npt.ArrayLike, state: State) -> tuple[Array, State]:
    """One time step: x (batch, input), state (h, c) of (batch, hidden) → output h, new state (h, c)."""
    weights, x, (h, c) = read_step(parameters, x, state, gates=3, states=2)
    from_hidden = affine(h, weights.weight_hh, weights.bias_hh)
    a_i, a_g, a_o = np.split(affine(x, weights.weight_ih, weights.bias_ih) + from_hidden, 3, axis=-1)
    i, g, o = sigmoid(a_i), tanh(a_g), sigmoid(a_o)
    c = (1.0 - i) * c + i * g
    h = o * tanh(c)
    return h, (h, c)
