"""The geometry of drawings: size, slant, and points at even distances."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError
from edgernn.strokes.drawing import Drawing, Points

# A line of text is some letters wide. What is flatter than this share of its width, as a dash is, is measured
# by its width, which a height of nearly nothing would blow up.
_FLATTEST = 1 / 8


def height(drawing: Drawing) -> float:
    """The unit that writing is measured in: its height, but of a flat one an eighth of its width.

    A single dot has no size; its unit is 1.
    """
    wide, high = np.ptp(drawing.points, axis=0)
    return float(max(high, wide * _FLATTEST)) or 1.0


def transformed(drawing: Drawing, matrix: npt.ArrayLike, origin: npt.ArrayLike = (0.0, 0.0)) -> Drawing:
    """Each point p becomes matrix · (p − origin); times stay.

    Args:
        drawing: what was written.
        matrix: (2, 2), e.g. a rotation.
        origin: (2,).

    Raises:
        InputError: where the shapes do not fit.
    """
    m, o = np.asarray(matrix, dtype=np.float64), np.asarray(origin, dtype=np.float64)
    if m.shape != (2, 2) or o.shape != (2,):
        raise InputError(
            f"transformed: matrix must be (2, 2) and origin (2,), found shapes {m.shape} and {o.shape}."
        )
    return Drawing(
        np.concatenate([(stroke[:, :2] - o) @ m.T, stroke[:, 2:]], axis=1) for stroke in drawing.strokes
    )


def normalised(drawing: Drawing, unit: float | None = None) -> Drawing:
    """The drawing with its first point at (0, 0), measured in units of its own height.

    Args:
        drawing: what was written.
        unit: what counts as a height of 1, e.g. the height of the field that is written in; None: `height`,
            which is known when all is written and not before.

    Raises:
        InputError: where the unit is not positive.
    """
    size = height(drawing) if unit is None else unit
    if not size > 0 or not math.isfinite(size):
        raise InputError(f"normalised: unit must be a finite number above 0, found {unit!r}.")
    return transformed(drawing, np.eye(2) / size, drawing.strokes[0][0, :2])


def slant(drawing: Drawing) -> float:
    """How far writing leans to the right: x gained per y upward, the mean over what is drawn steeply.

    Each piece between two points counts by its length × its steepness², so that horizontal ones say nothing.
    """
    pieces = np.concatenate([np.diff(stroke[:, :2], axis=0) for stroke in drawing.strokes])
    dx, dy = pieces.T
    # Weighted by steepness² = dy² / length², the mean of −dx / dy needs no division by dy.
    lengths = np.hypot(dx, dy)
    lengths[lengths == 0] = 1.0
    weights = float((dy * dy / lengths).sum())
    return float(-(dx * dy / lengths).sum()) / weights if weights else 0.0


def sheared(drawing: Drawing, slope: float) -> Drawing:
    """Lean it further to the right by `slope`, x per y upward; `sheared(d, -slant(d))` stands upright."""
    return transformed(drawing, [[1.0, -slope], [0.0, 1.0]])


def resampled(drawing: Drawing, step: float) -> Drawing:
    """Points at even distances along each stroke, in place of even times.

    A stroke keeps its first point and its last one; all others lie `step` apart along it, so that where they
    lie does not depend on what follows. Times are interpolated too.

    Raises:
        InputError: where the step is not positive.
    """
    if not step > 0 or not math.isfinite(step):
        raise InputError(f"resampled: step must be a finite number above 0, found {step!r}.")
    return Drawing(_resampled(stroke, step) for stroke in drawing.strokes)


def _resampled(stroke: Points, step: float) -> Points:
    lengths = np.hypot(*np.diff(stroke[:, :2], axis=0).T)
    moved = np.concatenate([[True], lengths > 0])
    along = np.concatenate([[0.0], lengths.cumsum()])[moved]
    # The step that would end within a thousandth of the last point is that point.
    places = np.append(np.arange(0.0, along[-1] - step / 1000, step), along[-1])
    columns = [np.interp(places, along, column[moved]) for column in stroke.T]
    return np.stack(columns, axis=1)
