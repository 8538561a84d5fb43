"""Every forward pass against PyTorch: outputs and final states, from a state that is not zero."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from .cases import CASES, Case, Problem, assert_close, difference, make_problem, torch_forward
from .tolerances import CLEARLY_WRONG, SAME_EQUATIONS

SIZES = [(1, 1, 1, 1), (3, 7, 2, 4), (2, 20, 5, 3)]
GATED = [case for case in CASES if case.gates > 1]


def expected_forward(problem: Problem) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    state = tuple(torch.tensor(array) for array in problem.state)
    return torch_forward(problem.torch_module(), torch.tensor(problem.x), state)


def check_forward(problem: Problem) -> None:
    y, final, _ = problem.forward()
    expected_y, expected_final = expected_forward(problem)
    assert_close(y, expected_y, SAME_EQUATIONS)
    for found, expected in zip(final, expected_final, strict=True):
        assert_close(found, expected, SAME_EQUATIONS)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_forward_is_what_torch_computes(case: Case, sizes: tuple[int, int, int, int], bias: bool) -> None:
    check_forward(make_problem(case, *sizes, bias=bias))


@settings(deadline=None, max_examples=40)
@given(
    case=st.sampled_from(CASES),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 12), st.integers(1, 6), st.integers(1, 6)),
    bias=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_forward_for_any_sizes(case: Case, sizes: tuple[int, int, int, int], bias: bool, seed: int) -> None:
    check_forward(make_problem(case, *sizes, bias=bias, seed=seed))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_one_step_after_another_is_forward(case: Case) -> None:
    problem = make_problem(case, batch=3, time=6, inputs=2, hidden=4)
    y, final, _ = problem.forward()
    state = problem.state
    for t in range(6):
        output, state = case.cell.step(problem.parameters, problem.x[:, t], state, **case.options)
        np.testing.assert_array_equal(output, y[:, t])
    for found, expected in zip(state, final, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("case", GATED, ids=str)
def test_permuted_gates_are_seen(case: Case) -> None:
    """Negative control: with the first two gates swapped, the network is another one."""
    problem = make_problem(case, batch=2, time=5, inputs=3, hidden=4)
    order = [1, 0, *range(2, case.gates)]
    permuted = {
        name: np.concatenate([np.split(value, case.gates)[gate] for gate in order])
        for name, value in problem.parameters.items()
    }
    expected, _ = expected_forward(problem)
    found, _, _ = replace(problem, parameters=permuted).forward()
    assert difference(found, expected) > CLEARLY_WRONG


def test_the_two_grus_differ() -> None:
    """Negative control: where the reset gate stands is no detail."""
    after, before = (
        next(case for case in CASES if case.name == f"gru-reset-{form}") for form in ("after", "before")
    )
    problem = make_problem(after, batch=2, time=5, inputs=3, hidden=4)
    found, _, _ = replace(problem, case=before).forward()
    assert difference(found, expected_forward(problem)[0]) > CLEARLY_WRONG


def test_float32_and_lists_are_computed_in_float64() -> None:
    problem = make_problem(CASES[0], batch=1, time=2, inputs=1, hidden=1)
    single = {name: value.astype(np.float32) for name, value in problem.parameters.items()}
    y, _, _ = CASES[0].cell.forward(single, [[[1], [2]]], ([[0.5]],))
    assert y.dtype == np.float64
    check_forward(
        replace(
            problem,
            parameters={name: value.astype(np.float64) for name, value in single.items()},
            x=np.array([[[1.0], [2.0]]]),
        )
    )
