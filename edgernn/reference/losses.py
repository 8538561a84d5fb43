"""Loss functions; each gives the loss and its gradient ∂L/∂y.

Both sum over time and features, so a row's loss is the loss of its whole sequence. Over the batch they take
the mean or the sum, as asked for.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError
from edgernn.reference.arrays import Array, as_array

# The smallest normal float64. log of it is −708 and 1 over it is finite, so that a probability which
# underflowed to 0 costs much but neither the loss nor its gradient is infinite.
_SMALLEST_PROBABILITY = float(np.finfo(np.float64).tiny)


def mean_squared_error(
    y: npt.ArrayLike, target: npt.ArrayLike, *, batch_reduction: str = "mean"
) -> tuple[float, Array]:
    """L = ½ Σ_t (y_t − target_t)², summed over time and features.

    The name is the usual one, though time is summed: the only mean is over the batch. PyTorch's MSELoss takes
    the mean over everything and has no ½.

    Args:
        y: what the network gave, (batch, time, output).
        target: what it should give, of the same shape.
        batch_reduction: "mean" or "sum" of the rows' losses.

    Returns:
        The loss, and its gradient ∂L/∂y (batch, time, output).

    Raises:
        InputError: the shapes differ, or batch_reduction is unknown.
    """
    y, target = _read(y, target)
    scale = _scale(batch_reduction, y.shape[0])
    return scale * 0.5 * float(np.sum((y - target) ** 2)), scale * (y - target)


def cross_entropy(
    y: npt.ArrayLike, target: npt.ArrayLike, *, batch_reduction: str = "mean"
) -> tuple[float, Array]:
    """L = −Σ_t target_t log y_t, summed over time and classes.

    It takes probabilities (softmax has been applied), where PyTorch's cross_entropy takes what goes into the
    softmax. A probability below the smallest normal float64 counts as that one: the loss stays finite.

    Args:
        y: the probabilities that the network gave, (batch, time, classes).
        target: the true ones, e.g. 1 for the right class and 0 elsewhere, of the same shape.
        batch_reduction: "mean" or "sum" of the rows' losses.

    Returns:
        The loss, and its gradient ∂L/∂y (batch, time, classes).

    Raises:
        InputError: the shapes differ, a probability is negative, or batch_reduction is unknown.
    """
    y, target = _read(y, target)
    if np.any(y < 0):
        raise InputError(f"y: found {y.min()}, a probability is not negative. Apply softmax first.")
    scale = _scale(batch_reduction, y.shape[0])
    safe = np.maximum(y, _SMALLEST_PROBABILITY)
    return -scale * float(np.sum(target * np.log(safe))), -scale * target / safe


def _read(y: npt.ArrayLike, target: npt.ArrayLike) -> tuple[Array, Array]:
    y = as_array("y", y, ("batch", "time", "output"))
    return y, as_array("target", target, y.shape)


def _scale(batch_reduction: str, batch: int) -> float:
    """The weight of each row's loss."""
    scales = {"mean": 1.0 / max(batch, 1), "sum": 1.0}
    if batch_reduction not in scales:
        raise InputError(f"batch_reduction: found {batch_reduction!r}, allowed are mean, sum.")
    return scales[batch_reduction]
