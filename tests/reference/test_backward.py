"""Every backward pass against two witnesses: finite differences of the forward pass, and autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgernn.reference import Gradients
from edgernn.reference.gradient_check import check_gradients
from edgernn.reference.sequence import backpropagate

from .cases import CASES, Case, Problem, assert_close, difference, make_problem, torch_forward
from .tolerances import CLEARLY_WRONG, FINITE_DIFFERENCES, SAME_EQUATIONS

SIZES = [(1, 1, 1, 1), (3, 6, 2, 3), (2, 12, 3, 2)]
GATED = [case for case in CASES if case.gates > 1]
# A finite difference across the kink of relu is wrong by itself, and random sizes meet the kink at some time.
SMOOTH = [case for case in CASES if case.name != "rnn-relu"]


def backward(problem: Problem) -> Gradients:
    return problem.case.cell.backward(problem.parameters, problem.forward()[2], problem.dy, problem.dstate)


def by_name(gradients: Gradients) -> dict[str, np.ndarray]:
    states = {f"state[{index}]": array for index, array in enumerate(gradients.state)}
    return {**gradients.parameters, "x": gradients.x, **states}


def difference_errors(problem: Problem, gradients: Gradients) -> dict[str, float]:
    """The error of each gradient against finite differences of the loss of the problem."""
    arguments = by_name(Gradients(problem.parameters, problem.x, problem.state))

    def loss(values: dict[str, np.ndarray]) -> float:
        parameters = {name: values[name] for name in problem.parameters}
        state = tuple(values[f"state[{index}]"] for index in range(problem.case.states))
        y, final, _ = problem.case.cell.forward(parameters, values["x"], state, **problem.case.options)
        at_end = sum(float(np.sum(d * array)) for d, array in zip(problem.dstate, final, strict=True))
        return float(np.sum(problem.dy * y)) + at_end

    return check_gradients(loss, arguments, by_name(gradients))


def autograd(problem: Problem) -> dict[str, torch.Tensor]:
    """The same gradients by PyTorch."""
    module = problem.torch_module()
    x = torch.tensor(problem.x, requires_grad=True)
    state = tuple(torch.tensor(array, requires_grad=True) for array in problem.state)
    y, final = torch_forward(module, x, state)
    loss = (torch.tensor(problem.dy) * y).sum()
    loss = loss + sum((torch.tensor(d) * array).sum() for d, array in zip(problem.dstate, final, strict=True))
    loss.backward()
    leaves: dict[str, Any] = {name.removesuffix("_l0"): value for name, value in module.named_parameters()}
    leaves |= {"x": x} | {f"state[{index}]": array for index, array in enumerate(state)}
    return {name: leaf.grad for name, leaf in leaves.items()}


def check_autograd(problem: Problem) -> None:
    found, expected = by_name(backward(problem)), autograd(problem)
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        assert_close(gradient, expected[name], SAME_EQUATIONS)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_backward_agrees_with_both(case: Case, sizes: tuple[int, int, int, int], bias: bool) -> None:
    problem = make_problem(case, *sizes, bias=bias, seed=1)
    check_autograd(problem)
    assert max(difference_errors(problem, backward(problem)).values()) < FINITE_DIFFERENCES


@settings(deadline=None, max_examples=40)
@given(
    case=st.sampled_from(CASES),
    sizes=st.tuples(st.integers(1, 4), st.integers(1, 10), st.integers(1, 5), st.integers(1, 5)),
    bias=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_autograd_for_any_sizes(case: Case, sizes: tuple[int, int, int, int], bias: bool, seed: int) -> None:
    check_autograd(make_problem(case, *sizes, bias=bias, seed=seed))


@settings(deadline=None, max_examples=20)
@given(
    case=st.sampled_from(SMOOTH),
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3)),
    seed=st.integers(0, 2**32 - 1),
)
def test_differences_for_any_sizes(case: Case, sizes: tuple[int, int, int, int], seed: int) -> None:
    problem = make_problem(case, *sizes, seed=seed)
    assert max(difference_errors(problem, backward(problem)).values()) < FINITE_DIFFERENCES


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_gradient_at_the_final_state_means_zero(case: Case) -> None:
    problem = make_problem(case, batch=2, time=4, inputs=3, hidden=2)
    _, _, cache = problem.forward()
    zeros = tuple(np.zeros_like(array) for array in problem.dstate)
    expected = by_name(case.cell.backward(problem.parameters, cache, problem.dy, zeros))
    for name, gradient in by_name(case.cell.backward(problem.parameters, cache, problem.dy)).items():
        np.testing.assert_array_equal(gradient, expected[name])
    # ... and a gradient that does arrive there changes the result.
    assert difference(by_name(backward(problem))["x"], expected["x"]) > CLEARLY_WRONG


@pytest.mark.parametrize("case", CASES, ids=str)
def test_without_the_recurrent_term_the_check_fails(case: Case) -> None:
    """Negative control: every step forgets what the next one found for the state, as tutorials have it."""
    problem = make_problem(case, batch=2, time=5, inputs=3, hidden=3)
    _, _, cache = problem.forward()

    def forgetful(kept: Any, doutput: np.ndarray, dstate: tuple[np.ndarray, ...]) -> Gradients:
        nothing = tuple(np.zeros_like(array) for array in dstate)
        return case.cell.step_backward(problem.parameters, kept, doutput, nothing)

    errors = difference_errors(problem, backpropagate(forgetful, cache, problem.dy, problem.dstate))
    assert min(errors.values()) > CLEARLY_WRONG


@pytest.mark.parametrize("case", GATED, ids=str)
def test_with_permuted_gates_the_check_fails(case: Case) -> None:
    """Negative control: the gradients of the first two gates, swapped."""
    problem = make_problem(case, batch=2, time=5, inputs=3, hidden=3)
    right = backward(problem)
    order = [1, 0, *range(2, case.gates)]
    swapped = {
        name: np.concatenate([np.split(value, case.gates)[gate] for gate in order])
        for name, value in right.parameters.items()
    }
    errors = difference_errors(problem, Gradients(swapped, right.x, right.state))
    assert min(errors[name] for name in problem.parameters) > CLEARLY_WRONG
    assert max(errors["x"], errors["state[0]"]) < FINITE_DIFFERENCES
