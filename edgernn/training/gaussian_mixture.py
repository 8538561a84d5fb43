"""A mixture of Gaussians fitted to points in two dimensions, which knows nothing of what came before.

Source: Dempster, Laird and Rubin (1977), "Maximum likelihood from incomplete data via the EM algorithm".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError
from edgernn.reference.mixture_density import log_density

# Points in a call of the density, for the memory's sake.
_AT_ONCE = 50_000


def fit_mixture(
    points: npt.ArrayLike, components: int, *, seed: int = 0, rounds: int = 60, least_deviation: float = 0.02
) -> npt.NDArray[np.float64]:
    """Fit a mixture by expectation and maximisation.

    Args:
        points: (points, 2).
        components: how many Gaussians.
        seed: of the points that they begin at.
        rounds: of the algorithm.
        least_deviation: no Gaussian becomes sharper.

    Returns:
        (components, 6), as `edgernn.reference.mixture_density` takes it.

    Raises:
        InputError: fewer points than components.
    """
    data = np.asarray(points, dtype=np.float64)
    if data.ndim != 2 or data.shape[1] != 2 or len(data) < components:
        raise InputError(
            f"points: must be (points, 2) with {components} points or more, found shape {data.shape}."
        )
    chosen = np.random.default_rng(seed).choice(len(data), components, replace=False)
    spread = np.maximum(data.std(axis=0), least_deviation)
    mixture = np.zeros((components, 6))
    mixture[:, 0] = -np.log(components)
    mixture[:, 1:3], mixture[:, 3:5] = data[chosen], spread
    for _ in range(rounds):
        mixture = _maximised(data, _whose(data, mixture), least_deviation)
    return mixture


def mean_log_density(mixture: npt.NDArray[np.float64], points: npt.ArrayLike) -> float:
    """The mean of log p over points (points, 2): nats a point."""
    data = np.asarray(points, dtype=np.float64)
    parts = [data[start : start + _AT_ONCE] for start in range(0, len(data), _AT_ONCE)]
    total = sum(float(log_density(np.repeat(mixture[None], len(part), 0), part).sum()) for part in parts)
    return total / len(data)


def _whose(data: npt.NDArray[np.float64], mixture: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The expectation: how far each point is each Gaussian's, (points, components)."""
    alone = mixture[:, None, :].copy()
    alone[..., 0] = 0.0
    logs = np.stack([_density_of(part, data) for part in alone], axis=1) + mixture[:, 0]
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return np.asarray(shares, dtype=np.float64)


def _density_of(gaussian: npt.NDArray[np.float64], data: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return log_density(np.broadcast_to(gaussian, (len(data), 1, 6)), data)


def _maximised(
    data: npt.NDArray[np.float64], whose: npt.NDArray[np.float64], least: float
) -> npt.NDArray[np.float64]:
    """The maximisation: weights, means, deviations and correlations of the points by their shares."""
    counts = whose.sum(axis=0) + 1e-9
    means = whose.T @ data / counts[:, None]
    away = data[:, None, :] - means
    variances = np.einsum("nk,nkd->kd", whose, away * away) / counts[:, None]
    joint = np.einsum("nk,nk->k", whose, away[..., 0] * away[..., 1]) / counts
    deviations = np.sqrt(np.maximum(variances, least**2))
    lean = np.clip(joint / deviations.prod(axis=1), -0.98, 0.98)
    return np.column_stack([np.log(counts / len(data)), means, deviations, lean])
