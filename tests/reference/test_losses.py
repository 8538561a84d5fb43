"""Losses and their gradients: by hand, against PyTorch, against finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from edgernn.reference.activations import softmax, softmax_derivative
from edgernn.reference.gradient_check import central_differences
from edgernn.reference.losses import cross_entropy, mean_squared_error

from .cases import assert_close
from .tolerances import FINITE_DIFFERENCES, SAME_EQUATIONS


@pytest.fixture
def probabilities() -> tuple[np.ndarray, np.ndarray]:
    """y and target (batch 3, time 4, classes 5), each a distribution."""
    random = np.random.default_rng(3)
    # Within a factor of e of each other: near y = 0 the curvature of log y spoils the finite differences.
    return softmax(random.uniform(size=(3, 4, 5))), softmax(random.uniform(size=(3, 4, 5)))


def test_squared_error_by_hand() -> None:
    loss, gradient = mean_squared_error([[[1.0], [2.0]], [[0.0], [0.0]]], [[[0.0], [4.0]], [[0.0], [2.0]]])
    assert loss == 0.5 * (0.5 * (1 + 4) + 0.5 * 4)  # the mean of two rows' losses
    np.testing.assert_array_equal(gradient, [[[0.5], [-1.0]], [[0.0], [-1.0]]])


def test_cross_entropy_by_hand() -> None:
    loss, gradient = cross_entropy([[[0.25, 0.75]]], [[[1.0, 0.0]]])
    assert loss == pytest.approx(np.log(4.0), rel=SAME_EQUATIONS)
    np.testing.assert_array_equal(gradient, [[[-4.0, 0.0]]])


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("function", [mean_squared_error, cross_entropy])
def test_loss_and_gradient_agree_with_both(
    function: Callable[..., tuple[float, np.ndarray]],
    reduction: str,
    probabilities: tuple[np.ndarray, np.ndarray],
) -> None:
    y, target = probabilities
    loss, gradient = function(y, target, batch_reduction=reduction)

    given = torch.tensor(y, requires_grad=True)
    if function is mean_squared_error:
        expected = torch.nn.functional.mse_loss(given, torch.tensor(target), reduction="sum") / 2
    else:
        expected = torch.nn.functional.cross_entropy(
            given.log().flatten(0, 1), torch.tensor(target).flatten(0, 1), reduction="sum"
        )
    expected = expected / (len(y) if reduction == "mean" else 1)
    assert loss == pytest.approx(expected.item(), rel=SAME_EQUATIONS)

    # torch normalises e^log y again, so its gradient at log y differs; take that of the formula itself.
    formula = (0.5 * (given - torch.tensor(target)) ** 2).sum()
    if function is cross_entropy:
        formula = -(torch.tensor(target) * given.log()).sum()
    (formula / (len(y) if reduction == "mean" else 1)).backward()
    assert_close(gradient, given.grad, SAME_EQUATIONS)
    differences = central_differences(lambda v: function(v, target, batch_reduction=reduction)[0], y)
    assert_close(gradient, differences, FINITE_DIFFERENCES)


def test_softmax_and_cross_entropy_give_y_minus_target(probabilities: tuple[np.ndarray, np.ndarray]) -> None:
    """The well-known gradient at the argument of the softmax, by the chain rule."""
    y, target = probabilities
    _, dy = cross_entropy(y, target, batch_reduction="sum")
    da = np.einsum("...ij,...i->...j", softmax_derivative(y), dy)
    assert_close(da, y - target, SAME_EQUATIONS)


def test_a_probability_of_zero_costs_much_but_not_infinity() -> None:
    loss, gradient = cross_entropy([[[0.0, 1.0]]], [[[1.0, 0.0]]])
    assert loss == pytest.approx(708.396, abs=1e-3)
    assert np.all(np.isfinite(gradient))
    assert gradient[0, 0, 0] < -1e300
    # A class that was not there costs nothing, though log 0 is −∞.
    assert cross_entropy([[[0.0, 1.0]]], [[[0.0, 1.0]]])[0] == 0.0
