"""Rows while the pen moves: those of the whole drawing."""

from __future__ import annotations

import numpy as np
import pytest

from edgernn.errors import InputError
from edgernn.strokes import Drawing, PenSampler, height, point_rows


def drawing(seed: int) -> Drawing:
    """Strokes of random ways, a dot, and a pen that rests; the first piece is some whole steps long."""
    random = np.random.default_rng(seed)
    ways = [random.normal(0, scale, (n, 2)).cumsum(0) for n, scale in ((30, 1), (3, 9), (1, 1), (50, 0.05))]
    rest = np.repeat(ways[0], 2, axis=0)
    return Drawing([[[0, 0], [0, 8.0]], rest, *ways[1:], [[2, 2], [2, 2]]])


@pytest.mark.parametrize("seed", range(5))
def test_rows_come_as_those_of_the_whole_drawing(seed: int) -> None:
    made = drawing(seed)
    unit = height(made)
    pen = PenSampler(unit)
    for _ in range(2):
        pen.reset()
        rows = []
        for stroke in made.strokes:
            rows += [pen.move(*point) for point in stroke] + [pen.lift()]
        np.testing.assert_allclose(np.concatenate(rows), point_rows(made), atol=1e-5)
    # Another unit is another number of points: the comparison sees it.
    assert len(point_rows(made, unit * 1.5)) != len(np.concatenate(rows))


def test_rows_come_at_once_and_lifting_twice_gives_none() -> None:
    pen = PenSampler(unit=16, step=0.5)
    assert pen.move(5, 5).tolist() == [[0, 0, 1]]
    assert pen.move(5, 30).tolist() == [[0, 0.5, 0], [0, 1, 0], [0, 1.5, 0]]
    assert pen.lift().tolist() == [[0, 25 / 16, 0]]
    assert pen.lift().shape == (0, 3)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="unit"):
        PenSampler(unit=0)
    with pytest.raises(InputError, match="step"):
        PenSampler(unit=1, step=float("inf"))
    with pytest.raises(InputError, match="nan"):
        PenSampler(unit=1).move(float("nan"), 0)
