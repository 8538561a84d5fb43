"""The likelihood of points by mixtures of Gaussians: by hand, by finite differences, and torch's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from edgernn.errors import InputError
from edgernn.reference import mixture_density as reference
from edgernn.reference.gradient_check import check_gradients
from edgernn.training.mixture_density import log_density

from .tolerances import CLEARLY_WRONG, FINITE_DIFFERENCES, SAME_EQUATIONS


def mixtures(points: int, components: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    mixture = random.normal(size=(points, components, 6))
    mixture[..., 0] -= np.log(np.exp(mixture[..., 0]).sum(1, keepdims=True))
    mixture[..., 3:5] = random.uniform(0.5, 1.5, (points, components, 2))
    mixture[..., 5] = random.uniform(-0.8, 0.8, (points, components))
    return mixture, random.normal(size=(points, 2))


def test_one_round_density_by_hand() -> None:
    value = reference.log_density([[[0.0, 1.0, 2.0, 0.5, 0.5, 0.0]]], [[1.5, 2.0]])
    expected = math.log(1 / (2 * math.pi * 0.25)) - 0.5
    np.testing.assert_allclose(value, [expected], rtol=SAME_EQUATIONS)


def test_it_is_a_density() -> None:
    """Over the plane it adds up to 1, with correlations and all."""
    mixture, _ = mixtures(1, 3)
    side = np.linspace(-12, 12, 481)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    total = (
        np.exp(reference.log_density(np.repeat(mixture, len(grid), 0), grid)).sum() * (side[1] - side[0]) ** 2
    )
    assert total == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("points", "components"), [(1, 1), (4, 3), (3, 7)])
def test_the_gradient_is_that_of_the_loss(points: int, components: int) -> None:
    mixture, target = mixtures(points, components, seed=components)
    _, gradient = reference.loss(mixture, target)

    def errors(gradient: np.ndarray) -> float:
        found = check_gradients(
            lambda values: reference.loss(values["mixture"], target)[0],
            {"mixture": mixture},
            {"mixture": gradient},
        )
        return found["mixture"]

    assert errors(gradient) < FINITE_DIFFERENCES
    # Deviations of x and y swapped, and a correlation that counts nothing.
    assert errors(gradient[..., [0, 1, 2, 4, 3, 5]]) > CLEARLY_WRONG
    assert errors(gradient * [1, 1, 1, 1, 1, 0]) > CLEARLY_WRONG


@pytest.mark.parametrize(("points", "components"), [(1, 1), (5, 12)])
def test_torch_s_is_the_same_and_so_is_its_gradient(points: int, components: int) -> None:
    mixture, target = mixtures(points, components)
    tensor = torch.tensor(mixture, requires_grad=True)
    found = log_density(tensor, torch.tensor(target))
    (-found.sum()).backward()
    loss, gradient = reference.loss(mixture, target)
    np.testing.assert_allclose(found.detach(), reference.log_density(mixture, target), rtol=SAME_EQUATIONS)
    np.testing.assert_allclose(-float(found.detach().sum()), loss, rtol=SAME_EQUATIONS)
    np.testing.assert_allclose(tensor.grad, gradient, rtol=1e-10, atol=SAME_EQUATIONS)


def test_a_point_far_from_all_densities_costs_much_and_not_infinity() -> None:
    """Its density is 0 in float32, whose logarithm a loss that adds densities up would take."""
    mixture = torch.tensor(
        [[[-0.7, 0.0, 0.0, 0.1, 0.1, 0.0], [-0.7, 1.0, 0.0, 0.1, 0.1, 0.5]]], requires_grad=True
    )
    found = log_density(mixture, torch.tensor([[30.0, 40.0]]))
    found.sum().backward()
    assert torch.exp(found) == 0
    assert torch.isfinite(found).all()
    assert mixture.grad is not None
    assert torch.isfinite(mixture.grad).all()


@pytest.mark.parametrize(
    ("mixture", "complaint"),
    [
        ([[[0.0, 0, 0, 0.0, 1, 0]]], "deviation of 0"),
        ([[[0.0, 0, 0, 1, 1, 1.0]]], "correlation"),
        ([[[0.0, 0, 0, 1, 1]]], "mixture: shape"),
    ],
)
def test_what_is_no_mixture_is_refused(mixture: list, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        reference.loss(mixture, [[0.0, 0.0]])
