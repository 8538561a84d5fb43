"""A mixture of Gaussians fitted to points."""

from __future__ import annotations

import numpy as np
import pytest

from edgernn.errors import InputError
from edgernn.training.gaussian_mixture import fit_mixture, mean_log_density


def clouds(count: int, seed: int) -> np.ndarray:
    """Two clouds, one of them leaning."""
    random = np.random.default_rng(seed)
    leaning = random.normal(size=(count, 2)) @ np.array([[1.0, 0.8], [0.0, 0.3]]) + [3.0, 0.0]
    return np.concatenate([leaning, random.normal(size=(2 * count, 2)) * [0.2, 0.5] + [-2.0, 1.0]])


def test_it_finds_what_the_points_were_drawn_from() -> None:
    mixture = fit_mixture(clouds(2000, 0), 2)
    first, second = mixture[mixture[:, 1].argsort()]
    np.testing.assert_allclose(np.exp(first), np.exp([np.log(2 / 3), -2.0, 1.0, 0.2, 0.5, 0.0]), rtol=0.1)
    np.testing.assert_allclose(second[1:5], [3.0, 0.0, 1.0, np.hypot(0.8, 0.3)], atol=0.1)
    assert second[5] == pytest.approx(0.8 / np.hypot(0.8, 0.3), abs=0.05)


def test_more_densities_foresee_new_points_better() -> None:
    train, test = clouds(1000, 0), clouds(1000, 1)
    one, two = (mean_log_density(fit_mixture(train, count), test) for count in (1, 2))
    assert two > one + 0.5


def test_it_follows_from_its_seed_and_points_that_repeat_do_not_break_it() -> None:
    points = np.repeat([[0.0, 0.0], [1.0, 1.0]], 50, axis=0)
    mixture = fit_mixture(points, 4, seed=1)
    np.testing.assert_array_equal(mixture, fit_mixture(points, 4, seed=1))
    assert np.isfinite(mixture).all()
    assert mixture[:, 3:5].min() == pytest.approx(0.02)


def test_too_few_points_are_refused() -> None:
    with pytest.raises(InputError, match="3 points or more"):
        fit_mixture([[0.0, 1.0]], 3)
