"""The output layer against PyTorch and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgernn.reference import output
from edgernn.reference.gradient_check import check_gradients

from .cases import assert_close
from .tolerances import FINITE_DIFFERENCES, SAME_EQUATIONS

TORCH = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "identity": lambda x: x,
    "softmax": lambda x: torch.softmax(x, -1),
}


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("activation", TORCH)
def test_forward_and_backward(activation: str, bias: bool) -> None:
    random = np.random.default_rng(2)
    values = {"weight": random.normal(size=(3, 4)), "bias": random.normal(size=3)}
    values = {name: value for name, value in values.items() if bias or name == "weight"}
    h, dy = random.normal(size=(2, 5, 4)), random.normal(size=(2, 5, 3))

    y, cache = output.forward(values, h, activation=activation)
    gradients = output.backward(values, cache, dy)
    found = {**gradients.parameters, "h": gradients.x}

    leaves = {name: torch.tensor(array, requires_grad=True) for name, array in {**values, "h": h}.items()}
    affine = torch.nn.functional.linear(leaves["h"], leaves["weight"], leaves.get("bias"))
    expected = TORCH[activation](affine)
    (torch.tensor(dy) * expected).sum().backward()
    assert_close(y, expected, SAME_EQUATIONS)
    assert found.keys() == leaves.keys()
    for name, gradient in found.items():
        assert_close(gradient, leaves[name].grad, SAME_EQUATIONS)

    def loss(arguments: dict[str, np.ndarray]) -> float:
        parameters = {name: arguments[name] for name in values}
        return float(np.sum(dy * output.forward(parameters, arguments["h"], activation=activation)[0]))

    assert max(check_gradients(loss, {**values, "h": h}, found).values()) < FINITE_DIFFERENCES


def test_the_default_is_the_sigmoid() -> None:
    y, _ = output.forward({"weight": np.zeros((2, 3))}, np.ones((1, 1, 3)))
    np.testing.assert_array_equal(y, 0.5)
