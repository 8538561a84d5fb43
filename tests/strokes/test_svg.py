"""Pictures of drawings: numbers alone, in the right places."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from edgernn.errors import InputError
from edgernn.strokes import Drawing
from edgernn.strokes.svg import format_svg

CROSS = Drawing([[[0, 0], [1, 1], [3, 1]], [[5, 5]]])


def paths(text: str) -> list[str]:
    return [element.attrib["d"] for element in ElementTree.fromstring(text).iter() if "d" in element.attrib]


def numbers(path: str) -> np.ndarray:
    return np.array([float(value) for value in re.findall(r"-?\d+\.?\d*", path)])


def test_lines_go_through_the_points_within_the_margin() -> None:
    text = format_svg(CROSS, scale=10, margin=4, width=1, smooth=False)
    line, dot = paths(text)
    np.testing.assert_allclose(numbers(line).reshape(-1, 2), [[4, 4], [14, 14], [34, 14]])
    assert dot == "M54 54h0"
    assert ElementTree.fromstring(text).attrib["viewBox"] == "0 0 58 58"


def test_curves_go_through_the_points_too_without_a_corner() -> None:
    (curve, _) = paths(format_svg(CROSS, scale=10, margin=4))
    found = numbers(curve).reshape(-1, 2)
    np.testing.assert_allclose(found[[0, 3, 6]], [[4, 4], [14, 14], [34, 14]])
    # Handles on both sides of a point lie on one line through it.
    before, behind = found[3] - found[2], found[4] - found[3]
    np.testing.assert_allclose(before, behind, atol=2e-3)


@pytest.mark.parametrize("shift", [0.0, 1e6, -1e-7])
def test_nothing_stands_in_it_but_numbers(shift: float) -> None:
    random = np.random.default_rng(0)
    drawing = Drawing(
        [random.normal(size=(40, 2)) * 10.0 ** random.integers(-8, 3) + shift for _ in range(5)]
    )
    for path in paths(format_svg(drawing)):
        assert re.fullmatch(r"[MCLh \d.-]+", path)
        assert np.isfinite(numbers(path)).all()
        assert numbers(path).min() >= 0


@pytest.mark.parametrize("option", ["scale", "width", "margin"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_sizes_that_are_none_are_refused(option: str, value: float) -> None:
    with pytest.raises(InputError, match=option):
        format_svg(CROSS, **{option: value})


def test_there_may_be_no_margin() -> None:
    assert 'viewBox="0 0 5 5"' in format_svg(CROSS, margin=0.0)
