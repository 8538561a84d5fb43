"""Gradient descent."""

from __future__ import annotations

from edgernn.errors import InputError
from edgernn.reference.arrays import Array, Parameters, as_array


def gradient_descent(parameters: Parameters, gradients: Parameters, learning_rate: float) -> dict[str, Array]:
    """W := W − α ∂L/∂W for every parameter, as a new dict; the arguments stay as they are.

    Args:
        parameters: by name.
        gradients: of the same names and shapes.
        learning_rate: α, greater than 0.

    Raises:
        InputError: the names or a shape differ, or the learning rate is not greater than 0.
    """
    if not learning_rate > 0:
        raise InputError(f"learning_rate: found {learning_rate}, allowed is a number greater than 0.")
    if set(parameters) != set(gradients):
        raise InputError(
            f"gradients: found {', '.join(gradients) or 'none'}, expected one for each of "
            f"{', '.join(parameters)}."
        )
    values = {name: as_array(name, value, value.shape) for name, value in parameters.items()}
    return {
        name: value - learning_rate * as_array(f"gradients[{name!r}]", gradients[name], value.shape)
        for name, value in values.items()
    }
