"""The gradient check itself: it must know right from wrong."""

from __future__ import annotations

import numpy as np
import pytest

from edgernn.reference.gradient_check import central_differences, check_gradients, gradient_error

from .cases import assert_close
from .tolerances import CLEARLY_WRONG, FINITE_DIFFERENCES


def cubic(values: dict[str, np.ndarray]) -> float:
    return float(np.sum(values["a"] ** 3) + np.sum(values["a"]) * values["b"][0])


ARGUMENTS = {"a": np.array([[0.5, -1.0], [2.0, 0.1]]), "b": np.array([0.7])}
GRADIENTS = {"a": 3 * ARGUMENTS["a"] ** 2 + 0.7, "b": np.array([1.6])}


def test_differences_of_a_known_function() -> None:
    at = ARGUMENTS["a"].copy()
    assert_close(central_differences(lambda a: float(np.sum(a**3)), at), 3 * at**2, FINITE_DIFFERENCES)
    np.testing.assert_array_equal(at, ARGUMENTS["a"])  # left as it was


def test_a_right_gradient_passes() -> None:
    assert max(check_gradients(cubic, ARGUMENTS, GRADIENTS).values()) < FINITE_DIFFERENCES


def test_one_wrong_element_is_seen_and_named() -> None:
    wrong = GRADIENTS["a"].copy()
    wrong[1, 0] += 0.1
    errors = check_gradients(cubic, ARGUMENTS, {**GRADIENTS, "a": wrong})
    assert errors["a"] > CLEARLY_WRONG
    assert errors["b"] < FINITE_DIFFERENCES


def test_the_error_is_relative_above_1_and_absolute_below() -> None:
    assert gradient_error(np.array([100.0, 1.0]), np.array([101.0, 1.0])) == pytest.approx(1 / 101)
    assert gradient_error(np.array([1e-9]), np.array([0.0])) == 1e-9


def test_a_gradient_that_is_not_a_number_is_no_small_error() -> None:
    assert not gradient_error(np.array([np.nan]), np.array([1.0])) < FINITE_DIFFERENCES
