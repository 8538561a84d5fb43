"""Drawings of few points, and the line that they are written on."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from edgernn.errors import InputError
from edgernn.strokes.drawing import Drawing, Points


def smoothed(drawing: Drawing) -> Drawing:
    """Each point but a stroke's first and last becomes the mean of itself, twice, and its two neighbours."""
    return Drawing(_smoothed(stroke) for stroke in drawing.strokes)


def simplified(drawing: Drawing, tolerance: float, longest: float = math.inf) -> Drawing:
    """The fewest points of each stroke that straight lines between them stay near all others.

    Source: Douglas and Peucker (1973), "Algorithms for the reduction of the number of points required to
    represent a digitized line or its caricature".

    Args:
        drawing: what was written.
        tolerance: how far a point that is left out may be away from the line.
        longest: pieces that are longer are cut into equal ones.

    Raises:
        InputError: where tolerance or longest is not positive.
    """
    for name, value in (("tolerance", tolerance), ("longest", longest)):
        if not value > 0:
            raise InputError(f"simplified: {name} must be a number above 0, found {value!r}.")
    return Drawing(_cut(stroke[_kept(stroke[:, :2], tolerance)], longest) for stroke in drawing.strokes)


def line_of(drawing: Drawing, descends: bool = True) -> float:
    """y of the line that a word is written on, by where its strokes turn upward again or end.

    Args:
        drawing: the word, y down.
        descends: whether letters may reach below the line. Of a word in which none does, the lowest of those
            places tell where the line is; otherwise the middle one of them.
    """
    lows: list[float] = []
    for stroke in drawing.strokes:
        y = np.concatenate([[-math.inf], stroke[:, 1], [-math.inf]])
        if len(stroke) > 1:
            lows += y[1:-1][(y[1:-1] >= y[:-2]) & (y[1:-1] >= y[2:])].tolist()
    if not lows:
        return float(drawing.points[:, 1].max())
    return float(np.quantile(lows, 0.5 if descends else 0.75))


def _smoothed(stroke: Points) -> Points:
    if len(stroke) < 3:
        return stroke
    return np.concatenate([stroke[:1], (stroke[:-2] + 2 * stroke[1:-1] + stroke[2:]) / 4, stroke[-1:]])


def _kept(points: Points, tolerance: float) -> np.ndarray:
    """Which points stay: between two that do, the one that is farthest from their line, if it is too far."""
    kept = np.zeros(len(points), bool)
    kept[[0, -1]] = True
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        line, between = points[last] - points[first], points[first + 1 : last] - points[first]
        length = math.hypot(*line)
        far = (
            np.abs(between @ [line[1], -line[0]]) / length
            if length
            else np.hypot(between[:, 0], between[:, 1])
        )
        place = int(far.argmax())
        if far[place] > tolerance:
            middle = first + 1 + place
            kept[middle] = True
            spans += [(first, middle), (middle, last)]
    return kept


def _cut(stroke: Points, longest: float) -> Points:
    pieces = [stroke[:1]]
    for start, end in pairwise(stroke):
        count = max(1, math.ceil(math.hypot(*(end - start)[:2]) / longest))
        pieces.append(start + (end - start) * (np.arange(1, count + 1) / count)[:, None])
    return np.concatenate(pieces)
