"""An LSTM with a soft window on a text (Graves 2013, arXiv 1308.0850, section 5.1), one step.

    a = W_x x + b + W_p [h, w]                                      the gates' arguments, in PyTorch's order
    c' = σ(a_f) c + σ(a_i) tanh(a_g),  h' = σ(a_o) tanh(c')
    α, β, δ = e^(W_w h' + b_w),  κ' = κ + δ                         K functions make up the window
    φ(u) = Σ_k α_k e^(−β_k (κ'_k − u)²)                             for the places u = 1 … U
    w' = Σ_u φ(u) s_u                                               s_u: the u-th symbol, one-hot

Parameters: input.weight (4 units, own input), input.bias, past.weight (4 units, units + symbols),
window.weight (3 K, units), window.bias. x is [own input; s_1 … s_U]; the state is (h, c, κ, w); the output
[h'; w'; φ].
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgernn.reference.activations import sigmoid, tanh
from edgernn.reference.affine import affine
from edgernn.reference.arrays import Array, Parameters, State, as_array, as_state


def step(parameters: Parameters, x: npt.ArrayLike, state: State) -> tuple[Array, State]:
    """One time step: x (batch, own input + symbols × places), state (h, c, κ, w) → output, new state.

    Raises:
        InputError: an argument does not fit the others.
    """
    own = parameters["input.weight"].shape[1]
    units = parameters["window.weight"].shape[1]
    components = parameters["window.weight"].shape[0] // 3
    symbols = parameters["past.weight"].shape[1] - units
    x = as_array("x", x, ("batch", "input"))
    batch = len(x)
    sizes = (units, units, components, symbols)
    h, c, kappa, w = as_state("state", state, [(batch, size) for size in sizes])
    text = as_array("text", x[:, own:].reshape(batch, -1, symbols), (batch, "places", symbols))
    from_past = affine(np.concatenate([h, w], axis=1), parameters["past.weight"], np.zeros(4 * units))
    a = affine(x[:, :own], parameters["input.weight"], parameters["input.bias"]) + from_past
    a_i, a_f, a_g, a_o = np.split(a, 4, axis=1)
    c = sigmoid(a_f) * c + sigmoid(a_i) * tanh(a_g)
    h = sigmoid(a_o) * tanh(c)
    alpha, beta, delta = np.split(
        np.exp(affine(h, parameters["window.weight"], parameters["window.bias"])), 3, axis=1
    )
    kappa = kappa + delta
    places = np.arange(1, text.shape[1] + 1)
    phi = np.stack([(alpha * np.exp(-beta * (kappa - place) ** 2)).sum(axis=1) for place in places], axis=1)
    w = np.einsum("bu,bus->bs", phi, text)
    return np.concatenate([h, w, phi], axis=1), (h, c, kappa, w)
