"""Pens of edgernn's own, variation of drawings, and the nearest path."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from edgernn.errors import InputError
from edgernn.strokes import Drawing, height, point_rows
from edgernn.training.neighbour import nearest_path
from edgernn.training.pen_letters import CHARACTERS, write_samples
from edgernn.training.pen_variation import PenVariation, varied

OFF = PenVariation(**{item.name: 0 for item in fields(PenVariation)})
DRAWING = write_samples(["kite"], 1, 0)[0].drawing


def varied_once(options: PenVariation, seed: int = 0) -> tuple[Drawing, float]:
    torch.manual_seed(seed)
    return varied(DRAWING, options)


def test_without_options_nothing_changes() -> None:
    changed, size = varied_once(OFF)
    assert size == pytest.approx(height(DRAWING))
    np.testing.assert_array_equal(point_rows(changed), point_rows(DRAWING))


@pytest.mark.parametrize("name", ["rotate", "lean", "widen", "bend"])
def test_each_option_moves_points_and_keeps_their_number(name: str) -> None:
    options = replace(OFF, **{name: 0.1})
    first, again, other = (varied_once(options, seed)[0] for seed in (0, 0, 1))
    assert [len(s) for s in first.strokes] == [len(s) for s in DRAWING.strokes]
    np.testing.assert_array_equal(first.points, again.points)
    moved = first.points - first.points[0] - (DRAWING.points - DRAWING.points[0])
    assert np.abs(moved).max() > 0.01 * height(DRAWING)
    assert not np.array_equal(first.points, other.points)


def test_turning_keeps_lengths_and_a_wrong_guess_keeps_points() -> None:
    turned, _ = varied_once(replace(OFF, rotate=0.5))
    for stroke, before in zip(turned.strokes, DRAWING.strokes, strict=True):
        lengths = [np.hypot(*np.diff(s, axis=0).T) for s in (stroke, before)]
        np.testing.assert_allclose(*lengths, atol=1e-9)
    same, size = varied_once(replace(OFF, resize=0.5))
    np.testing.assert_allclose(same.points - same.points[0], DRAWING.points - DRAWING.points[0], atol=1e-9)
    assert abs(np.log(size / height(DRAWING))) > 0.01


def test_strokes_are_drawn_from_their_end_and_in_another_order() -> None:
    turned, _ = varied_once(replace(OFF, backwards=1))
    for stroke, before in zip(turned.strokes, DRAWING.strokes, strict=True):
        np.testing.assert_allclose(np.diff(stroke[::-1], axis=0), np.diff(before, axis=0), atol=1e-9)
    orders = {
        tuple(len(s) for s in varied_once(replace(OFF, reorder=1), seed)[0].strokes) for seed in range(9)
    }
    assert len(orders) > 3
    assert {tuple(sorted(order)) for order in orders} == {tuple(sorted(len(s) for s in DRAWING.strokes))}


def test_pens_write_the_same_from_a_seed_and_differ_by_hand() -> None:
    first, second = write_samples(["ab"], 2, 7)
    again = write_samples(["ab"], 1, 7)[0]
    np.testing.assert_array_equal(first.drawing.points, again.drawing.points)
    assert not np.array_equal(first.drawing.points, second.drawing.points)
    assert (first.writer, second.writer, first.label) == ("pen 0", "pen 1", "ab")
    with pytest.raises(InputError, match="'A b' is none"):
        write_samples(["A b"], 1, 0)
    with pytest.raises(InputError, match="' ' is none"):
        write_samples([" "], 1, 0)


def test_letters_of_a_text_stand_beside_each_other() -> None:
    (item,) = write_samples(["oo o"], 1, 1)
    middles = [stroke[:, 0].mean() for stroke in item.drawing.strokes]
    first, second = np.diff(middles)
    assert 0 < first < second


def test_the_nearest_path_knows_a_hand_it_did_not_see() -> None:
    samples = write_samples(CHARACTERS, 12, 0)
    rows = [torch.from_numpy(point_rows(item.drawing)) for item in samples]
    classes = [CHARACTERS.index(item.label) for item in samples]
    cut = 9 * len(CHARACTERS)
    found = nearest_path(rows[:cut], classes[:cut], rows[cut:])
    assert (found == torch.tensor(classes[cut:])).float().mean() > 0.9
    # The path counts, not the ink: drawn from the end nothing is found.
    turned = [row.flip(0) for row in rows[cut:]]
    assert (
        nearest_path(rows[:cut], classes[:cut], turned) == torch.tensor(classes[cut:])
    ).float().mean() < 0.5
