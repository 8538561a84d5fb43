"""How differences are measured, judged and told."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgernn.errors import ParityError
from edgernn.verify import Check, ParityReport
from edgernn.verify.report import compare, output_scale

GOOD = Check("onnx = torch", "batch 1, 5 steps", 1e-7, 2e-7, 1e-5, True)
BAD = Check("onnx = numpy float64", "batch 7, 11 steps", 0.5, 0.25, 1e-5, False)
WORSE = Check("stream = torch", "batch 2, chunks of 3", 4.0, 2.0, 1e-5, False)

Y = np.array([[1.0, -4.0], [2.0, 0.5]])


def test_a_difference_is_relative_to_the_largest_value_of_the_reference() -> None:
    check = compare("name", "detail", [Y], [Y + 0.02], 0.006)
    assert check == Check("name", "detail", pytest.approx(0.02), pytest.approx(0.005), 0.006, True)
    assert not compare("name", "detail", [Y], [Y + 0.02], 0.004).passed


@pytest.mark.parametrize("sign", [1, -1])
def test_differences_count_in_both_directions(sign: int) -> None:
    """A comparison without the absolute value lets everything pass that is too small."""
    assert not compare("name", "", [Y], [Y + sign], 0.1).passed


def test_every_output_is_judged_by_its_own_scale() -> None:
    """A small output that is wrong does not hide behind a large one that is right."""
    large, small = Y * 1000, Y / 1000
    check = compare("name", "", [large, small], [large, small * 1.1], 0.01)
    assert check.relative_error == pytest.approx(0.1)
    assert not check.passed
    assert compare("name", "", [large, small], [large, small * 1.001], 0.01).passed


def test_an_offset_does_not_hide_an_error() -> None:
    """A forecast of 1000 ± 3 is held against 3."""
    forecast = 1000 + np.array([3.0, -3.0, 1.0])
    assert output_scale(forecast) < 21
    wrong = forecast + 1.0
    assert not compare("name", "", [forecast], [wrong], 0.01, [output_scale(forecast)]).passed


def test_scales_of_degenerate_outputs() -> None:
    assert output_scale(np.zeros((2, 3))) == 1.0
    assert output_scale(np.zeros((0, 3))) == 1.0
    assert output_scale(np.array([1.0, np.nan])) == 1.0
    assert output_scale(np.full(4, 50.0)) == pytest.approx(1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["found", "expected", "both"])
def test_what_is_no_number_never_passes(value: float, where: str) -> None:
    spoilt = Y.copy()
    spoilt[0, 0] = value
    expected = spoilt if where in ("expected", "both") else Y
    found = spoilt if where in ("found", "both") else Y
    check = compare("name", "", [expected], [found], 1e9)
    assert not check.passed
    assert check.max_abs_error == np.inf


@pytest.mark.parametrize(
    ("expected", "found", "detail"),
    [
        ([Y], [Y.T[:1]], r"at 5: shape \(1, 2\), expected \(2, 2\)"),
        ([Y], [Y[None]], r"at 5: shape \(1, 2, 2\), expected \(2, 2\)"),
        ([Y, Y], [Y], "at 5: other outputs"),
        ([], [Y], "at 5: other outputs"),
    ],
)
def test_other_shapes_and_outputs_fail(expected: list, found: list, detail: str) -> None:
    """Shapes that would broadcast are no exception."""
    check = compare("name", "at 5", expected, found, 1e9)
    assert not check.passed
    with pytest.raises(ParityError, match=detail):
        ParityReport("file", (check,)).raise_if_failed()


def test_empty_outputs_are_equal() -> None:
    assert compare("name", "", [np.zeros((0, 3))], [np.zeros((0, 3))], 1e-5).passed


def test_integers_and_booleans_are_compared_too() -> None:
    assert compare("name", "", [np.array([1, 2])], [np.array([1, 2])], 1e-5).passed
    assert not compare("name", "", [np.array([True, False])], [np.array([True, True])], 1e-5).passed


@given(arrays.arrays(np.float32, (2, 3), elements=st.floats(-1e3, 1e3, width=32)), st.floats(1e-4, 10))
def test_a_comparison_does_not_depend_on_the_unit(y: np.ndarray, scale: float) -> None:
    other = y + np.float32(0.001) * (1 + np.abs(y).max())
    here = compare("name", "", [y.astype(float)], [other.astype(float)], 1.0).relative_error
    there = compare("name", "", [y * scale], [other * scale], 1.0).relative_error
    if np.abs(y).max() > 1:
        assert there == pytest.approx(here, rel=1e-3)


def test_a_report_passes_where_all_checks_pass() -> None:
    assert ParityReport("file", (GOOD, GOOD)).passed
    assert not ParityReport("file", (GOOD, BAD)).passed
    ParityReport("file", (GOOD,)).raise_if_failed()


def test_a_report_without_checks_proves_nothing() -> None:
    report = ParityReport("file", ())
    assert not report.passed
    assert report.max_abs_error == np.inf
    with pytest.raises(ParityError, match="0 of 0 checks failed: none ran"):
        report.raise_if_failed()


def test_the_message_names_the_worst_checks() -> None:
    report = ParityReport("model.onnx", (BAD, GOOD, WORSE))
    assert report.failures == (WORSE, BAD)
    assert report.max_abs_error == 4.0
    assert report.max_relative_error == 2.0
    with pytest.raises(ParityError) as caught:
        report.raise_if_failed()
    assert str(caught.value) == (
        "model.onnx: 2 of 3 checks failed: "
        "stream = torch at batch 2, chunks of 3: relative error 2, allowed 1e-05; "
        "onnx = numpy float64 at batch 7, 11 steps: relative error 0.25, allowed 1e-05."
    )


def test_the_message_stays_short() -> None:
    many = tuple(replace(BAD, detail=f"batch {index}") for index in range(50))
    with pytest.raises(ParityError) as caught:
        ParityReport("model.onnx", many).raise_if_failed()
    assert str(caught.value).startswith("model.onnx: 50 of 50 checks failed")
    assert str(caught.value).count("relative error") == 3


def test_json() -> None:
    report = ParityReport("modèle.onnx", (GOOD, BAD), ("final states: no",))
    data = json.loads(report.to_json(indent=2))
    assert data["path"] == "modèle.onnx"
    assert data["passed"] is False
    assert data["checks"] == 2
    assert data["max_abs_error"] == 0.5
    assert data["skipped"] == ["final states: no"]
    assert data["all_checks"][0] == {
        "name": "onnx = torch",
        "detail": "batch 1, 5 steps",
        "max_abs_error": 1e-7,
        "relative_error": 2e-7,
        "tolerance": 1e-5,
        "passed": True,
        "decisions": [0, 0],
    }


def test_the_summary_is_what_the_manifest_keeps() -> None:
    assert ParityReport("file", (GOOD,)).summary() == {
        "passed": True, "checks": 1.0, "max_abs_error": 1e-7, "max_relative_error": 2e-7,
    }  # fmt: skip
