"""Gradient descent against PyTorch's."""

from __future__ import annotations

import numpy as np
import torch

from edgernn.reference.optimizer import gradient_descent

from .cases import assert_close
from .tolerances import SAME_EQUATIONS


def test_update_is_what_torch_computes_and_leaves_its_arguments_alone() -> None:
    random = np.random.default_rng(4)
    parameters = {"weight": random.normal(size=(2, 3)), "bias": random.normal(size=2)}
    gradients = {"bias": random.normal(size=2), "weight": random.normal(size=(2, 3))}
    before = {name: value.copy() for name, value in parameters.items()}

    updated = gradient_descent(parameters, gradients, learning_rate=0.3)

    leaves = {name: torch.nn.Parameter(torch.tensor(value)) for name, value in parameters.items()}
    for name, leaf in leaves.items():
        leaf.grad = torch.tensor(gradients[name])
    torch.optim.SGD(leaves.values(), lr=0.3).step()
    assert updated.keys() == leaves.keys()
    for name, leaf in leaves.items():
        assert_close(updated[name], leaf, SAME_EQUATIONS)
        np.testing.assert_array_equal(parameters[name], before[name])
