"""LSTM with a recurrent projection (Sak et al., 2014): h is smaller than c.

    i, f, g, o as in lstm.py
    c' = f c + i g
    h' = W_hr (o tanh(c'))

Parameters: weight_ih (4 cell, input), weight_hh (4 cell, hidden), weight_hr (hidden, cell), and, where the
layer has them, bias_ih and bias_hh (4 cell,); gates in the order i, f, g, o. The state is (h, c).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgernn.reference.activations import sigmoid, tanh
from edgernn.reference.affine import affine
from edgernn.reference.arrays import Array, Parameters, State, as_array, as_state


def step(parameters: Parameters, x: npt.ArrayLike, state: State) -> tuple[Array, State]:
    """One time step: x (batch, input), state h (batch, hidden), c (batch, cell) → output h, new state."""
    weight_hr = as_array("weight_hr", parameters["weight_hr"], ("hidden", "cell"))
    hidden, cell = weight_hr.shape
    weight_ih = as_array("weight_ih", parameters["weight_ih"], (4 * cell, "input"))
    weight_hh = as_array("weight_hh", parameters["weight_hh"], (4 * cell, hidden))
    bias_ih, bias_hh = (
        as_array(name, parameters.get(name, np.zeros(4 * cell)), (4 * cell,))
        for name in ("bias_ih", "bias_hh")
    )
    x = as_array("x", x, ("batch", weight_ih.shape[1]))
    h, c = as_state("state", state, [(len(x), hidden), (len(x), cell)])
    a = affine(x, weight_ih, bias_ih) + affine(h, weight_hh, bias_hh)
    a_i, a_f, a_g, a_o = np.split(a, 4, axis=-1)
    c = sigmoid(a_f) * c + sigmoid(a_i) * tanh(a_g)
    h = (sigmoid(a_o) * tanh(c)) @ weight_hr.T
    return h, (h, c)
