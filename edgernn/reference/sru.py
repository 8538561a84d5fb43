"""The simple recurrent unit (Lei et al., 2018; gates of the first version, arXiv:1709.02755v1).

    f = σ(W_f x + b_f)                   forget gate
    r = σ(W_r x + b_r)                   reset gate
    c' = f c + (1 − f) W x
    h = r g(c') + (1 − r) x              g: identity or tanh; where sizes differ, W_x x in the place of x

Parameters: weight (3 hidden, input), rows W, W_f, W_r, or (4 hidden, input) with W_x; and, where the layer
has it, gate_bias (2 hidden,), f before r. The state is (c,).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgernn.reference.activations import activation_named, sigmoid
from edgernn.reference.arrays import Array, Parameters, State, as_array, as_state


def step(
    parameters: Parameters, x: npt.ArrayLike, state: State, *, activation: str = "identity"
) -> tuple[Array, State]:
    """One time step: x (batch, input), state (c,) of (batch, hidden) → output h, new state (c,)."""
    (c,) = as_state("state", state, [("batch", "hidden")])
    hidden = c.shape[1]
    weight = as_array("weight", parameters["weight"], ("3 or 4 * hidden", "input"))
    x = as_array("x", x, (len(c), weight.shape[1]))
    biases = as_array("gate_bias", parameters.get("gate_bias", np.zeros(2 * hidden)), (2 * hidden,))
    bias_f, bias_r = np.split(biases, 2)
    candidate, from_x_f, from_x_r, *projected = np.split(x @ weight.T, len(weight) // hidden, axis=-1)
    highway = projected[0] if projected else x
    f, r = sigmoid(from_x_f + bias_f), sigmoid(from_x_r + bias_r)
    c = f * c + (1.0 - f) * candidate
    h = r * activation_named(activation).function(c) + (1.0 - r) * highway
    return h, (c,)
