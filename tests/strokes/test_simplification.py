"""Drawings of few points, and the line that words stand on."""

from __future__ import annotations

import numpy as np
import pytest

from edgernn.errors import InputError
from edgernn.strokes import Drawing, transformed
from edgernn.strokes.simplification import line_of, simplified, smoothed


def circle(points: int = 200) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, points)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def distance(point: np.ndarray, corners: np.ndarray) -> float:
    """From a point to a line through corners."""
    starts, ways = corners[:-1], np.diff(corners, axis=0)
    along = np.clip(((point - starts) * ways).sum(1) / (ways**2).sum(1), 0, 1)
    return float(np.hypot(*(point - starts - along[:, None] * ways).T).min())


@pytest.mark.parametrize("tolerance", [0.01, 0.1])
def test_few_points_stay_near_all_others(tolerance: float) -> None:
    points = circle() * [2.0, 1.0]
    (found,) = simplified(Drawing([points]), tolerance).strokes
    assert len(found) < (50 if tolerance == 0.01 else 16)
    assert max(distance(point, found) for point in points) <= tolerance
    np.testing.assert_allclose(found[[0, -1]], points[[0, -1]], atol=1e-12)
    # Every other one of these points is too few.
    assert max(distance(point, found[::2]) for point in points) > tolerance


def test_a_straight_stroke_is_its_ends_and_long_pieces_are_cut_evenly() -> None:
    line = np.linspace([0.0, 0.0], [3.0, 4.0], 30)
    (found,) = simplified(Drawing([line]), 0.01).strokes
    np.testing.assert_allclose(found, [[0, 0], [3, 4]])
    (found,) = simplified(Drawing([line]), 0.01, longest=2.0).strokes
    np.testing.assert_allclose(found, [[0, 0], [1, 4 / 3], [2, 8 / 3], [3, 4]])


def test_dots_closed_strokes_and_times_stay() -> None:
    dot, timed = np.array([[1.0, 2.0]]), np.column_stack([circle(), np.linspace(0, 1, 200)])
    found = simplified(smoothed(Drawing([dot, timed])), 0.05).strokes
    np.testing.assert_array_equal(found[0], dot)
    assert found[1].shape[1] == 3
    assert len(found[1]) > 6


def test_smoothing_takes_a_zigzag_away_and_keeps_the_ends() -> None:
    points = np.stack([np.arange(20.0), 0.1 * (np.arange(20) % 2)], axis=1)
    (found,) = smoothed(Drawing([points])).strokes
    np.testing.assert_array_equal(found[[0, -1]], points[[0, -1]])
    np.testing.assert_allclose(found[1:-1, 1], 0.05)


@pytest.mark.parametrize(("tolerance", "longest"), [(0.0, 1.0), (-1.0, 1.0), (0.1, 0.0), (float("nan"), 1.0)])
def test_no_tolerance_is_refused(tolerance: float, longest: float) -> None:
    with pytest.raises(InputError, match="above 0"):
        simplified(Drawing([circle()]), tolerance, longest)


def zigzag(lows: list[float], high: float = -1.0) -> Drawing:
    y = [value for low in lows for value in (high, low)]
    return Drawing([np.stack([np.arange(len(y), dtype=float), np.array([*y])], axis=1)])


def test_a_word_stands_on_its_line_and_not_on_what_hangs_below() -> None:
    assert line_of(zigzag([0, 0, 2.0, 0, 0])) == 0.0
    # In a word without descenders what ends above the line is a bar.
    bars = Drawing([*zigzag([0.0, 0.0, 0.0]).strokes, [[0, -2.0], [3, -2.0]], [[0, -1.0], [3, -1.1]]])
    assert line_of(bars, descends=False) == 0.0
    assert line_of(bars) < 0.0


def test_the_line_moves_with_the_drawing() -> None:
    word = zigzag([0.1, 0, 0.2, 0])
    moved = transformed(word, np.eye(2) * 3, [0.0, -5.0])
    assert line_of(moved) == pytest.approx(3 * (line_of(word) + 5))
    assert line_of(Drawing([[[1.0, 7.0]]])) == 7.0
