"""Drawings, their geometry, and the rows that networks take."""

from __future__ import annotations

import numpy as np
import pytest

from edgernn.errors import InputError
from edgernn.strokes import (
    COLUMNS,
    STEP,
    Drawing,
    height,
    normalised,
    point_rows,
    resampled,
    sheared,
    slant,
    transformed,
)


def arc(points: int = 200, speed: float = 1.0) -> np.ndarray:
    """Half a circle of radius 30, drawn faster and faster where speed is above 1."""
    angle = np.pi * np.linspace(0, 1, points) ** speed
    return np.stack([50 - 30 * np.cos(angle), 80 - 30 * np.sin(angle)], axis=1)


@pytest.mark.parametrize(
    ("strokes", "complaint"),
    [
        ([], "no strokes"),
        ([[]], "stroke 1"),
        ([[[0, 0]], [[1]]], "stroke 2"),
        ([[[0, 0, 0, 0]]], "shape"),
        ([[[0, 0], [np.nan, 1]]], "NaN or infinity"),
    ],
)
def test_what_is_no_drawing_is_refused(strokes: list, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        Drawing(strokes)


def test_height_is_that_of_writing_and_never_zero() -> None:
    assert height(Drawing([[[0, 0], [10, 40]]])) == 40
    assert height(Drawing([[[0, 0], [100, 1]]])) == 12.5  # a dash: an eighth of its width
    assert height(Drawing([[[7, 7]]])) == 1  # a dot


def test_normalising_takes_place_and_size_out() -> None:
    drawing = Drawing([arc(), [[50, 90], [60, 60]]])
    moved = transformed(drawing, 3.5 * np.eye(2), [-200, 70])
    first, second = normalised(drawing), normalised(moved)
    assert first.strokes[0][0].tolist() == [0, 0]
    assert np.ptp(first.points[:, 1]) == pytest.approx(1)
    for one, other in zip(first.strokes, second.strokes, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
    assert np.ptp(normalised(drawing, unit=80.0).points[:, 1]) == pytest.approx(
        np.ptp(drawing.points[:, 1]) / 80
    )
    with pytest.raises(InputError, match="unit"):
        normalised(drawing, unit=0)


def test_points_lie_evenly_however_fast_they_were_drawn() -> None:
    slow, fast = (resampled(Drawing([arc(2000, speed)]), 5.0).strokes[0] for speed in (1.0, 2.5))
    np.testing.assert_allclose(slow, fast, atol=0.01)
    steps = np.hypot(*np.diff(slow, axis=0).T)
    np.testing.assert_allclose(steps[:-1], 60 * np.sin(5.0 / 60), rtol=1e-5)  # chords of the arc
    assert steps[-1] <= 5.001
    np.testing.assert_allclose(slow[[0, -1]], arc()[[0, -1]])


def test_resampling_does_not_depend_on_what_follows() -> None:
    whole, begun = arc(), arc()[:90]
    long = resampled(Drawing([whole]), 3.0).strokes[0]
    short = resampled(Drawing([begun]), 3.0).strokes[0]
    np.testing.assert_allclose(short[:-1], long[: len(short) - 1], atol=1e-12)


def test_resampling_interpolates_times_and_keeps_dots_and_pauses() -> None:
    stroke = [[0, 0, 1.0], [0, 0, 2.0], [10, 0, 3.0]]
    found = resampled(Drawing([stroke, [[4, 4, 9.0]], [[1, 1], [1, 1]]]), 4.0).strokes
    np.testing.assert_allclose(found[0], [[0, 0, 1.0], [4, 0, 1.8], [8, 0, 2.6], [10, 0, 3.0]])
    assert found[1].tolist() == [[4, 4, 9.0]]
    assert found[2].tolist() == [[1, 1]]
    with pytest.raises(InputError, match="step"):
        resampled(Drawing([stroke]), 0)


@pytest.mark.parametrize("slope", [-0.3, 0.0, 0.7])
def test_slant_is_found_and_taken_out(slope: float) -> None:
    upright = Drawing([[[0, 0], [0, 30]], [[5, 0], [5, 30]], [[0, 15], [5, 15]]])
    leaning = sheared(upright, slope)
    assert slant(leaning) == pytest.approx(slope, abs=1e-9)
    np.testing.assert_allclose(sheared(leaning, -slant(leaning)).points, upright.points, atol=1e-9)
    assert slant(Drawing([[[0, 0], [9, 0]]])) == 0  # a level line leans nowhere


def test_rows_begin_strokes_and_start_at_zero() -> None:
    rows = point_rows(Drawing([[[0, 0], [0, 10]], [[5, 10]], [[2, 0], [2, 5]]]))
    assert rows.dtype == np.float32
    assert rows.shape[1] == len(COLUMNS)
    assert rows[0].tolist() == [0, 0, 1]
    assert np.flatnonzero(rows[:, 2]).tolist() == [0, 17, 18]
    np.testing.assert_allclose(rows[1, :2], [0, STEP])
    np.testing.assert_allclose(rows[17], [0.5, 1.0, 1.0])


def test_transformed_refuses_other_shapes() -> None:
    with pytest.raises(InputError, match="matrix"):
        transformed(Drawing([[[0, 0]]]), np.eye(3))
