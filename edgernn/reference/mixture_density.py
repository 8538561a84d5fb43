"""The density of a point as a mixture of Gaussians in two dimensions, its loss and its gradient.

Source: Christopher Bishop (1994), "Mixture density networks"; with correlations as in Alex Graves (2013),
"Generating sequences with recurrent neural networks", arXiv 1308.0850, equations 23 to 37.

    N_j = 1 / (2π σx σy √(1 − ρ²)) · exp(−Z_j / (2 (1 − ρ²)))
    Z_j = ((x − μx) / σx)² + ((y − μy) / σy)² − 2 ρ (x − μx) (y − μy) / (σx σy)
    p(x, y) = Σ_j π_j N_j                                L = −Σ log p(x, y)

A mixture is an array (..., components, 6) of log π, μx, μy, σx, σy, ρ.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError
from edgernn.reference.arrays import Array, as_array


def log_density(mixture: npt.ArrayLike, target: npt.ArrayLike) -> Array:
    """log p(x, y): mixture (points, components, 6), target (points, 2) → (points,).

    Raises:
        InputError: a shape does not fit, a deviation is not positive, or a correlation not between −1 and 1.
    """
    return _log_sum_exp(_parts(*_read(mixture, target))[0])


def loss(mixture: npt.ArrayLike, target: npt.ArrayLike) -> tuple[float, Array]:
    """L = −Σ log p(x, y) over all points, and its gradient by each number of the mixture.

    The gradient by log π takes these as they are, whether or not the weights add up to 1.

    Raises:
        InputError: as `log_density`.
    """
    mixture, target = _read(mixture, target)
    joint, zx, zy = _parts(mixture, target)
    whole = _log_sum_exp(joint)
    _, _, _, sx, sy, rho = np.moveaxis(mixture, -1, 0)
    gamma = np.exp(joint - whole[:, None])  # whose point it is, equation 28
    c = 1.0 / (1.0 - rho * rho)  # equation 34
    z = zx * zx + zy * zy - 2.0 * rho * zx * zy
    by_parameter = [
        np.ones_like(rho),
        c / sx * (zx - rho * zy),
        c / sy * (zy - rho * zx),
        (c * zx * (zx - rho * zy) - 1.0) / sx,
        (c * zy * (zy - rho * zx) - 1.0) / sy,
        c * (zx * zy + rho * (1.0 - c * z)),
    ]
    return -float(whole.sum()), -np.stack([gamma * part for part in by_parameter], axis=-1)


def _parts(mixture: Array, target: Array) -> tuple[Array, Array, Array]:
    """log (π_j N_j), (points, components), and how many deviations the point is away from each mean."""
    log_pi, mx, my, sx, sy, rho = np.moveaxis(mixture, -1, 0)
    zx, zy = (target[:, :1] - mx) / sx, (target[:, 1:] - my) / sy
    q = 1.0 - rho * rho
    z = zx * zx + zy * zy - 2.0 * rho * zx * zy
    return log_pi - z / (2.0 * q) - np.log(2.0 * np.pi * sx * sy * np.sqrt(q)), zx, zy


def _log_sum_exp(x: Array) -> Array:
    """log Σ e^x over the last axis. With the largest at 0 no exponential overflows, and not all vanish."""
    largest = x.max(axis=-1, keepdims=True)
    total: Array = largest[..., 0] + np.log(np.exp(x - largest).sum(axis=-1))
    return total


def _read(mixture: npt.ArrayLike, target: npt.ArrayLike) -> tuple[Array, Array]:
    mixture = as_array("mixture", mixture, ("points", "components", 6))
    target = as_array("target", target, (len(mixture), 2))
    if np.any(mixture[..., 3:5] <= 0):
        raise InputError(f"mixture: found a deviation of {mixture[..., 3:5].min():g}, it must be above 0.")
    if np.any(np.abs(mixture[..., 5]) >= 1):
        raise InputError("mixture: found a correlation that is not between -1 and 1.")
    return mixture, target
