"""The independently recurrent network (Li et al., 2018): h' = σ(W x + b + u h), each unit with its own past.

Parameters: input.weight (hidden, input), recurrent (hidden,) which is u, and, where the layer has it,
input.bias (hidden,). σ is relu or tanh. The state is (h,).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgernn.reference.activations import activation_named
from edgernn.reference.affine import affine
from edgernn.reference.arrays import Array, Parameters, State, as_array, as_state


def step(
    parameters: Parameters, x: npt.ArrayLike, state: State, *, activation: str = "relu"
) -> tuple[Array, State]:
    """One time step: x (batch, input), state (h,) of (batch, hidden) → output h, new state (h,)."""
    recurrent = as_array("recurrent", parameters["recurrent"], ("hidden",))
    hidden = len(recurrent)
    weight = as_array("input.weight", parameters["input.weight"], (hidden, "input"))
    bias = as_array("input.bias", parameters.get("input.bias", np.zeros(hidden)), (hidden,))
    x = as_array("x", x, ("batch", weight.shape[1]))
    (h,) = as_state("state", state, [(len(x), hidden)])
    h = activation_named(activation, ("relu", "tanh")).function(affine(x, weight, bias) + recurrent * h)
    return h, (h,)
