"""Is a gradient right? Compare it with finite differences of the loss.

The differences know nothing of derivatives: they only evaluate the loss. A gradient that was written by hand
and agrees with them is right; one that forgets a term or swaps two gates does not agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from edgernn.errors import InputError
from edgernn.reference.arrays import Array

# The error of a central difference is about step² (the truncated series) plus ε / step (rounding), with
# ε = 2.2e−16. Their sum is smallest near the cube root of ε.
STEP = float(np.cbrt(np.finfo(np.float64).eps))


def central_differences(function: Callable[[Array], float], at: Array, step: float = STEP) -> Array:
    """(f(x + step) − f(x − step)) / (2 step) for each element of x by turns; of the shape of `at`.

    It calls the function twice an element, so it is for small arrays.
    """
    gradient = np.empty(at.shape)
    for index in np.ndindex(at.shape):
        higher, lower = np.array(at, dtype=np.float64), np.array(at, dtype=np.float64)
        higher[index] += step
        lower[index] -= step
        # What was added is not exactly `step`, as the sum is rounded; divide by what really was.
        gradient[index] = (function(higher) - function(lower)) / (higher[index] - lower[index])
    return gradient


def gradient_error(gradient: Array, expected: Array) -> float:
    """The largest difference of two gradients, relative to the largest element.

    It is absolute where the largest element is below 1: relative alone would call the rounding errors of a
    gradient that vanishes an error of 100 %.

    Raises:
        InputError: the shapes differ.
    """
    if gradient.shape != expected.shape:
        raise InputError(f"gradient: shape {gradient.shape}, expected {expected.shape}.")
    scale = max(
        1.0, float(np.max(np.abs(gradient), initial=0.0)), float(np.max(np.abs(expected), initial=0.0))
    )
    return float(np.max(np.abs(gradient - expected), initial=0.0)) / scale


def check_gradients(
    loss: Callable[[dict[str, Array]], float],
    arguments: Mapping[str, Array],
    gradients: Mapping[str, Array],
    step: float = STEP,
) -> dict[str, float]:
    """The error of each gradient against finite differences, by name.

    Args:
        loss: takes all arguments by name and gives the loss.
        arguments: where to check: parameters, inputs, states.
        gradients: the gradient of the loss for each argument.
        step: of the differences.

    Raises:
        InputError: an argument has no gradient, or a gradient another shape.
    """
    if set(arguments) != set(gradients):
        raise InputError(
            f"gradients: found {', '.join(gradients) or 'none'}, expected one for each of "
            f"{', '.join(arguments)}."
        )

    def difference(name: str) -> Array:
        return central_differences(lambda value: loss({**arguments, name: value}), arguments[name], step)

    return {name: gradient_error(gradients[name], difference(name)) for name in arguments}
