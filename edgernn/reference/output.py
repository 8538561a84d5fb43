"""The output layer: y_t = σ(W_y h_t + b'), the same at every time step.

Parameters have PyTorch's names for a linear layer: weight (output, hidden) is W_y and bias (output,) is b';
the bias may be absent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError
from edgernn.reference.activations import ACTIVATIONS, activation_named, softmax, softmax_derivative
from edgernn.reference.affine import affine, affine_backward
from edgernn.reference.arrays import Array, Gradients, Parameters, as_array


@dataclass(frozen=True)
class Cache:
    """What the backward pass needs: h (batch, time, hidden), y (batch, time, output)."""

    h: Array
    y: Array
    activation: str


def forward(parameters: Parameters, h: npt.ArrayLike, *, activation: str = "sigmoid") -> tuple[Array, Cache]:
    """h (batch, time, hidden) → y (batch, time, output), and the cache for `backward`.

    Args:
        parameters: weight (output, hidden), and bias (output,) where the layer has one.
        h: a recurrent layer's output.
        activation: a name in ACTIVATIONS, or "softmax" for probabilities that sum to 1 over the outputs.

    Raises:
        InputError: an argument does not fit the others, or the activation is unknown.
    """
    weight, bias = _read(parameters)
    h = as_array("h", h, ("batch", "time", weight.shape[1]))
    a = affine(h, weight, bias)
    if activation == "softmax":
        y = softmax(a)
    else:
        y = activation_named(activation, (*ACTIVATIONS, "softmax")).function(a)
    return y, Cache(h, y, activation)


def backward(parameters: Parameters, cache: Cache, dy: npt.ArrayLike) -> Gradients:
    """The gradients of the parameters and of h (as `x`), given dy (batch, time, output).

    Raises:
        InputError: dy does not fit the cache.
    """
    weight, _ = _read(parameters)
    dy = as_array("dy", dy, cache.y.shape)
    if cache.activation == "softmax":
        da = np.einsum("...ij,...i->...j", softmax_derivative(cache.y), dy)
    else:
        da = dy * activation_named(cache.activation).derivative(cache.y)
    dweight, dbias, dh = affine_backward(cache.h, weight, da)
    found = {"weight": dweight, "bias": dbias}
    return Gradients({name: found[name] for name in parameters}, dh)


def _read(parameters: Parameters) -> tuple[Array, Array]:
    """The weight, and the bias or zero."""
    if "weight" not in parameters or not set(parameters) <= {"weight", "bias"}:
        raise InputError(
            f"parameters: found {', '.join(parameters) or 'none'}; needed is weight, allowed also bias."
        )
    weight = as_array("weight", parameters["weight"], ("output", "hidden"))
    rows = weight.shape[0]
    return weight, as_array("bias", parameters.get("bias", np.zeros(rows)), (rows,))
