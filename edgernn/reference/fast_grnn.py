"""FastGRNN (Kusupati et al., 2018): one matrix for the gate and the candidate.

    m = W x + U h
    z = σ(m + b_z)
    n = tanh(m + b_n)
    h' = (ζ (1 − z) + ν) n + z h

Parameters: weight_ih (hidden, input) is W, weight_hh (hidden, hidden) is U; one of low rank is given as its
factors weight_ih_left (hidden, rank) and weight_ih_right (rank, input), or weight_hh_left and _right. zeta
and nu (1,) go through σ to be ζ and ν. Where the layer has them, bias_z and bias_n (hidden,). The state is
(h,).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgernn.reference.activations import sigmoid, tanh
from edgernn.reference.arrays import Array, Parameters, State, as_array, as_state


def step(parameters: Parameters, x: npt.ArrayLike, state: State) -> tuple[Array, State]:
    """One time step: x (batch, input), state (h,) of (batch, hidden) → output h, new state (h,)."""
    weight_ih, weight_hh = _matrix(parameters, "weight_ih"), _matrix(parameters, "weight_hh")
    hidden = len(weight_ih)
    bias_z, bias_n = (
        as_array(name, parameters.get(name, np.zeros(hidden)), (hidden,)) for name in ("bias_z", "bias_n")
    )
    zeta, nu = (sigmoid(as_array(name, parameters[name], (1,))) for name in ("zeta", "nu"))
    x = as_array("x", x, ("batch", weight_ih.shape[1]))
    (h,) = as_state("state", state, [(len(x), hidden)])
    m = x @ weight_ih.T + h @ weight_hh.T
    z, n = sigmoid(m + bias_z), tanh(m + bias_n)
    h = (zeta * (1.0 - z) + nu) * n + z * h
    return h, (h,)


def _matrix(parameters: Parameters, name: str) -> Array:
    if name in parameters:
        return as_array(name, parameters[name], ("hidden", "columns"))
    left = as_array(f"{name}_left", parameters[f"{name}_left"], ("hidden", "rank"))
    return left @ as_array(f"{name}_right", parameters[f"{name}_right"], (left.shape[1], "columns"))
