"""The gated recurrent unit, in its two forms.

    r = σ(W_ir x + b_ir + W_hr h + b_hr)            reset gate
    z = σ(W_iz x + b_iz + W_hz h + b_hz)            update gate
    n = tanh(W_in x + b_in + r (W_hn h + b_hn))     candidate, reset after the product
    n = tanh(W_in x + b_in + W_hn (r h) + b_hn)     candidate, reset before the product
    h' = (1 − z) n + z h

Reset before is the original (Cho et al., 2014, arXiv:1406.1078, equations 5 to 8; linear_before_reset=0 in
ONNX). Reset after is what cuDNN and PyTorch compute (linear_before_reset=1), as it needs one product with h.

Parameters: weight_ih (3 hidden, input), weight_hh (3 hidden, hidden), and, where the layer has them, bias_ih
and bias_hh (3 hidden,); the gates in PyTorch's order r, z, n (ONNX has z, r, n). The state is (h,).
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
    """What one step keeps for its gradients: x (batch, input), all others (batch, hidden).

    `recurrent_n` is the hidden state's part of the candidate: W_hn h + b_hn, or W_hn (r h) + b_hn.
    """

    x: Array
    h_before: Array
    r: Array
    z: Array
    n: Array
    recurrent_n: Array
    reset_after: bool


def step(
    parameters: Parameters, x: npt.ArrayLike, state: State, *, reset_after: bool = True
) -> tuple[Array, State]:
    """One time step: x (batch, input), state (h,) of (batch, hidden) → output h, new state (h,).

    Raises:
        InputError: an argument does not fit the others.
    """
    h, state, _ = _step(parameters, x, state, reset_after)
    return h, state


def forward(
    parameters: Parameters, x: npt.ArrayLike, state: State, *, reset_after: bool = True
) -> tuple[Array, State, Cache[Record]]:
    """All time steps: x (batch, time, input) → y (batch, time, hidden), the final state, and the cache.

    Raises:
        InputError: an argument does not fit the others.
    """
    return record(lambda x_t, state: _step(parameters, x_t, state, reset_after), x, state)


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
    weights = read_weights(parameters, gates=3)
    gate_rows = 2 * weights.hidden_size  # the rows of r and z; those of n follow
    h, r, z, n = kept.h_before, kept.r, kept.z, kept.n
    dh = doutput + dstate[0]  # h goes out twice: as the output, and to the next step
    da_n = dh * (1.0 - z) * tanh_derivative(n)
    da_z = dh * (h - n) * sigmoid_derivative(z)

    weight_n = weights.weight_hh[gate_rows:]
    if kept.reset_after:
        dr = da_n * kept.recurrent_n
        dweight_n, dbias_n, dh_through_n = affine_backward(h, weight_n, da_n * r)
    else:
        dweight_n, dbias_n, dreset_h = affine_backward(r * h, weight_n, da_n)
        dr, dh_through_n = dreset_h * h, dreset_h * r

    da_gates = np.concatenate([dr * sigmoid_derivative(r), da_z], axis=-1)
    dweight_gates, dbias_gates, dh_through_gates = affine_backward(h, weights.weight_hh[:gate_rows], da_gates)
    dweight_ih, dbias_ih, dx = affine_backward(
        kept.x, weights.weight_ih, np.concatenate([da_gates, da_n], axis=-1)
    )
    found = {
        "weight_ih": dweight_ih,
        "weight_hh": np.concatenate([dweight_gates, dweight_n]),
        "bias_ih": dbias_ih,
        "bias_hh": np.concatenate([dbias_gates, dbias_n]),
    }
    dh_before = dh * z + dh_through_gates + dh_through_n
    return Gradients({name: found[name] for name in parameters}, dx, (dh_before,))


def _step(
    parameters: Parameters, x: npt.ArrayLike, state: State, reset_after: bool
) -> tuple[Array, State, Record]:
    weights, x, (h_before,) = read_step(parameters, x, state, gates=3, states=1)
    gate_rows = 2 * weights.hidden_size  # the rows of r and z; those of n follow
    from_input = affine(x, weights.weight_ih, weights.bias_ih)
    from_hidden = affine(h_before, weights.weight_hh[:gate_rows], weights.bias_hh[:gate_rows])
    r, z = np.split(sigmoid(from_input[:, :gate_rows] + from_hidden), 2, axis=-1)
    weight_n, bias_n = weights.weight_hh[gate_rows:], weights.bias_hh[gate_rows:]
    if reset_after:
        recurrent_n = affine(h_before, weight_n, bias_n)
        n = tanh(from_input[:, gate_rows:] + r * recurrent_n)
    else:
        recurrent_n = affine(r * h_before, weight_n, bias_n)
        n = tanh(from_input[:, gate_rows:] + recurrent_n)
    h = (1.0 - z) * n + z * h_before
    return h, (h,), Record(x, h_before, r, z, n, recurrent_n, reset_after)
