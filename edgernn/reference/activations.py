"""Activation functions and their derivatives.

A derivative takes the function's OUTPUT, which the forward pass has at hand: σ' = σ (1 − σ) needs no second
exponential, and back-propagation need not keep the input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgernn.errors import InputError
from edgernn.reference.arrays import Array


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^−x), element-wise, into (0, 1). Exact in both tails, and never overflows."""
    # e^−x overflows for x far below 0; e^−|x| cannot. Below 0 the fraction is widened by e^x.
    shrunk = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, shrunk) / (1.0 + shrunk)


def sigmoid_derivative(y: Array) -> Array:
    """σ'(x) = y (1 − y) where y = σ(x)."""
    return y * (1.0 - y)


def tanh(x: Array) -> Array:
    """(e^x − e^−x) / (e^x + e^−x), element-wise, into (−1, 1)."""
    return np.tanh(x)


def tanh_derivative(y: Array) -> Array:
    """tanh'(x) = 1 − y² where y = tanh(x)."""
    return 1.0 - y * y


def relu(x: Array) -> Array:
    """max(x, 0), element-wise."""
    return np.maximum(x, 0.0)


def relu_derivative(y: Array) -> Array:
    """1 where y > 0, else 0: at the kink x = 0 the gradient is 0, as in PyTorch."""
    return np.where(y > 0.0, 1.0, 0.0)


def identity(x: Array) -> Array:
    """The argument itself: a linear layer."""
    return x


def identity_derivative(y: Array) -> Array:
    """1 everywhere."""
    return np.ones_like(y)


def softmax(x: Array) -> Array:
    """e^x_i / Σ_j e^x_j over the last axis: positive, sums to 1 (Bridle, 1990)."""
    # The fraction does not change when all x shift; with the largest at 0 no exponential overflows.
    raised: Array = np.exp(x - x.max(axis=-1, keepdims=True))
    y: Array = raised / np.sum(raised, axis=-1, keepdims=True)
    return y


def softmax_derivative(y: Array) -> Array:
    """The Jacobian ∂y_i/∂x_j = y_i (δ_ij − y_j) where y = softmax(x).

    Every output depends on every input, so the derivative of (..., n) is (..., n, n).
    """
    return y[..., :, None] * (np.eye(y.shape[-1]) - y[..., None, :])


@dataclass(frozen=True)
class Activation:
    """An element-wise function and its derivative.

    Attributes:
        function: y = function(x).
        derivative: dy/dx as a function of y.
    """

    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]


ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": Activation(sigmoid, sigmoid_derivative),
    "tanh": Activation(tanh, tanh_derivative),
    "relu": Activation(relu, relu_derivative),
    "identity": Activation(identity, identity_derivative),
}


def activation_named(name: str, allowed: tuple[str, ...] = tuple(ACTIVATIONS)) -> Activation:
    """The activation of that name.

    Raises:
        InputError: the name is not among `allowed`.
    """
    if name not in allowed:
        raise InputError(f"activation: found {name!r}, allowed are {', '.join(allowed)}.")
    return ACTIVATIONS[name]
