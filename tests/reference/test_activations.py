"""Activations and their derivatives against PyTorch, in the tails too."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgernn.reference.activations import ACTIVATIONS, softmax, softmax_derivative
from edgernn.reference.gradient_check import central_differences

from .cases import assert_close
from .tolerances import FINITE_DIFFERENCES, SAME_EQUATIONS

TORCH = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu, "identity": lambda x: x}
POINTS = np.array([-1000.0, -40.0, -3.0, -0.5, 0.0, 0.5, 3.0, 40.0, 1000.0])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_function_and_derivative_are_what_torch_computes(name: str) -> None:
    x = torch.tensor(POINTS, requires_grad=True)
    expected = TORCH[name](x)
    expected.sum().backward()
    y = ACTIVATIONS[name].function(POINTS)
    assert_close(y, expected, SAME_EQUATIONS)
    assert_close(ACTIVATIONS[name].derivative(y), x.grad, SAME_EQUATIONS)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative_is_that_of_the_function(name: str) -> None:
    points = POINTS[(np.abs(POINTS) < 10) & (POINTS != 0)]  # relu has no derivative at 0
    found = ACTIVATIONS[name].derivative(ACTIVATIONS[name].function(points))
    differences = central_differences(lambda x: float(ACTIVATIONS[name].function(x).sum()), points)
    assert_close(found, differences, FINITE_DIFFERENCES)


def test_sigmoid_keeps_its_relative_precision_far_below_zero() -> None:
    """1 / (1 + e^−x) overflows at −1000, and ½ (1 + tanh(x / 2)) is already 0 at −40."""
    found = ACTIVATIONS["sigmoid"].function(np.array([-40.0, -700.0, -1000.0]))
    np.testing.assert_allclose(found[:2], np.exp([-40.0, -700.0]), rtol=SAME_EQUATIONS)
    assert found[2] == 0.0


def test_softmax_and_its_jacobian_are_what_torch_computes() -> None:
    x = np.array([[0.3, -1.0, 2.0], [1000.0, 0.0, -1000.0]])
    assert_close(softmax(x), torch.softmax(torch.tensor(x), -1), SAME_EQUATIONS)
    for row in x:
        jacobian = torch.autograd.functional.jacobian(lambda v: torch.softmax(v, -1), torch.tensor(row))
        assert_close(softmax_derivative(softmax(row)), jacobian, SAME_EQUATIONS)
