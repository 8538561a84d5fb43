"""Long short-term memory (Hochreiter & Schmidhuber, 1997) with a forget gate (Gers et al., 2000).

    i = σ(W_ii x + b_ii + W_hi h + b_hi)        input gate
    f = σ(W_if x + b_if + W_hf h + b_hf)        forget gate
    g = tanh(W_ig x + b_ig + W_hg h + b_hg)     candidate
    o = σ(W_io x + b_io + W_ho h + b_ho)        output gate
    c' = f c + i g
    h' = o tanh(c')

Parameters: weight_ih (4 hidden, input), weight_hh (4 hidden, hidden), and, where the layer has them, bias_ih
and bias_hh (4 hidden,); the gates in PyTorch's order i, f, g, o (ONNX has i, o, f, g). The state is (h, c).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from edgernn.reference.activations import sigmoid, sigmoid_derivative, tanh, tanh_derivative
from edgernn.reference.affine import affine, affine_backward
from edgernn.reference.arrays import Array, Gradients, Parameters, State
from edgernn.reference.parameters import read_step, read_weights
from edgernn.reference.sequence import Cache, backpropagate, record


@dataclass(frozen=True)
class Record:
    """What one step keeps for its gradients: x (batch, input), all others (batch, hidden)."""

    x: Array
    h_before: Array
    c_before: Array
    i: Array
    f: Array
    g: Array
    o: Array
    tanh_c: Array


def step(parameters: Parameters, x: npt.ArrayLike, state: State) -> tuple[Array, State]:
    """One time step: x (batch, input), state (h, c) of (batch, hidden) → output h, new state (h, c).

    Raises:
        InputError: an argument does not fit the others.
    """
    h, state, _ = _step(parameters, x, state)
    return h, state


def forward(parameters: Parameters, x: npt.ArrayLike, state: State) -> tuple[Array, State, Cache[Record]]:
    """All time steps: x (batch, time, input) → y (batch, time, hidden), the final state, and the cache.

    Raises:
        InputError: an argument does not fit the others.
    """
    return record(lambda x_t, state: _step(parameters, x_t, state), x, state)


def backward(
    parameters: Parameters, cache: Cache[Record], dy: npt.ArrayLike, dstate: State | None = None
) -> Gradients:
    """Back-propagation through time; `cache` is from `forward`, dy is (batch, time, hidden).

    Raises:
        InputError: dy or dstate does not fit the cache.
    """
    return backpropagate(partial(step_backward, parameters), cache, dy, dstate)


def step_backward(parameters: Parameters, kept: Record, doutput: Array, dstate: State) -> Gradients:
    """The gradients of one step, given those of its output and of the state it left."""
    weights = read_weights(parameters, gates=4)
    dh = doutput + dstate[0]  # h goes out twice: as the output, and to the next step
    dc = dstate[1] + dh * kept.o * tanh_derivative(kept.tanh_c)  # so does c: to the next step, and into h
    da = np.concatenate(
        [
            dc * kept.g * sigmoid_derivative(kept.i),
            dc * kept.c_before * sigmoid_derivative(kept.f),
            dc * kept.i * tanh_derivative(kept.g),
            dh * kept.tanh_c * sigmoid_derivative(kept.o),
        ],
        axis=-1,
    )
    dweight_ih, dbias, dx = affine_backward(kept.x, weights.weight_ih, da)
    dweight_hh, _, dh_before = affine_backward(kept.h_before, weights.weight_hh, da)
    found = {"weight_ih": dweight_ih, "weight_hh": dweight_hh, "bias_ih": dbias, "bias_hh": dbias}
    return Gradients({name: found[name] for name in parameters}, dx, (dh_before, dc * kept.f))


def _step(parameters: Parameters, x: npt.ArrayLike, state: State) -> tuple[Array, State, Record]:
    weights, x, (h_before, c_before) = read_step(parameters, x, state, gates=4, states=2)
    from_input = affine(x, weights.weight_ih, weights.bias_ih)
    from_hidden = affine(h_before, weights.weight_hh, weights.bias_hh)
    a_i, a_f, a_g, a_o = np.split(from_input + from_hidden, 4, axis=-1)
    i, f, g, o = sigmoid(a_i), sigmoid(a_f), tanh(a_g), sigmoid(a_o)
    c = f * c_before + i * g
    tanh_c = tanh(c)
    h = o * tanh_c
    return h, (h, c), Record(x, h_before, c_before, i, f, g, o, tanh_c)
