"""The simple recurrent network (Elman, 1990): h_t = σ(W_ih x_t + b_ih + W_hh h_{t−1} + b_hh).

Textbooks write one bias b and W_x, W_h for the two weights; PyTorch has two biases, whose sum is b. σ is
tanh, relu or sigmoid. Parameters: weight_ih (hidden, input), weight_hh (hidden, hidden), and, where the layer
has them, bias_ih and bias_hh (hidden,). The state is (h,).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy.typing as npt

from edgernn.reference.activations import activation_named
from edgernn.reference.affine import affine, affine_backward
from edgernn.reference.arrays import Array, Gradients, Parameters, State
from edgernn.reference.parameters import read_step, read_weights
from edgernn.reference.sequence import Cache, backpropagate, record

_ACTIVATIONS = ("tanh", "relu", "sigmoid")


@dataclass(frozen=True)
class Record:
    """What one step keeps for its gradients: x (batch, input), h before and after it (batch, hidden)."""

    x: Array
    h_before: Array
    h: Array
    activation: str


def step(
    parameters: Parameters, x: npt.ArrayLike, state: State, *, activation: str = "tanh"
) -> tuple[Array, State]:
    """One time step: x (batch, input), state (h,) of (batch, hidden) → output h, new state (h,).

    Raises:
        InputError: an argument does not fit the others, or the activation is not tanh, relu or sigmoid.
    """
    h, state, _ = _step(parameters, x, state, activation)
    return h, state


def forward(
    parameters: Parameters, x: npt.ArrayLike, state: State, *, activation: str = "tanh"
) -> tuple[Array, State, Cache[Record]]:
    """All time steps: x (batch, time, input) → y (batch, time, hidden), the final state, and the cache.

    Raises:
        InputError: an argument does not fit the others, or the activation is not tanh, relu or sigmoid.
    """
    return record(lambda x_t, state: _step(parameters, x_t, state, activation), x, state)


def backward(
    parameters: Parameters, cache: Cache[Record], dy: npt.ArrayLike, dstate: State | None = None
) -> Gradients:
    """Back-propagation through time; `cache` is from `forward`, dy is (batch, time, hidden).

    With a_t the argument of σ, every step adds to the gradients:

        ∂L/∂h_t  = dy_t + W_hhᵀ ∂L/∂a_{t+1}     the second is the recurrent term
        ∂L/∂a_t  = σ'(a_t) ∂L/∂h_t
        ∂L/∂W_ih += ∂L/∂a_t x_tᵀ,   ∂L/∂W_hh += ∂L/∂a_t h_{t−1}ᵀ,   ∂L/∂b += ∂L/∂a_t
        ∂L/∂x_t  = W_ihᵀ ∂L/∂a_t

    Tutorials often print a shorter version that is wrong: it goes forward in time, leaves out the recurrent
    term, so that no step learns what it does to later ones, and subtracts ∂L/∂a_t itself from the weights,
    where the outer products with x_t and h_{t−1} are meant. examples/worked_example.py shows the difference.

    Raises:
        InputError: dy or dstate does not fit the cache.
    """
    return backpropagate(partial(step_backward, parameters), cache, dy, dstate)


def step_backward(parameters: Parameters, kept: Record, doutput: Array, dstate: State) -> Gradients:
    """The gradients of one step, given those of its output and of the state it left."""
    weights = read_weights(parameters, gates=1)
    dh = doutput + dstate[0]  # h goes out twice: as the output, and to the next step
    da = dh * activation_named(kept.activation).derivative(kept.h)
    dweight_ih, dbias, dx = affine_backward(kept.x, weights.weight_ih, da)
    dweight_hh, _, dh_before = affine_backward(kept.h_before, weights.weight_hh, da)
    found = {"weight_ih": dweight_ih, "weight_hh": dweight_hh, "bias_ih": dbias, "bias_hh": dbias}
    return Gradients({name: found[name] for name in parameters}, dx, (dh_before,))


def _step(
    parameters: Parameters, x: npt.ArrayLike, state: State, activation: str
) -> tuple[Array, State, Record]:
    function = activation_named(activation, _ACTIVATIONS).function
    weights, x, (h_before,) = read_step(parameters, x, state, gates=1, states=1)
    from_input = affine(x, weights.weight_ih, weights.bias_ih)
    h = function(from_input + affine(h_before, weights.weight_hh, weights.bias_hh))
    return h, (h,), Record(x, h_before, h, activation)
