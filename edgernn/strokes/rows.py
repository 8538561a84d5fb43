"""Drawings as the rows that a network takes, one a point."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgernn.strokes.drawing import Drawing
from edgernn.strokes.geometry import normalised, resampled

# What a row holds: where a point is, seen from the first one, in heights; 1 where a stroke begins, else 0.
COLUMNS = ("x", "y", "begins")
# From one point to the next, in heights.
STEP = 1 / 16


def point_rows(drawing: Drawing, unit: float | None = None, step: float = STEP) -> npt.NDArray[np.float32]:
    """The rows (points, 3) of a drawing, see `COLUMNS`.

    Size, place and the pen's speed are taken out of it: the first point is (0, 0), the height 1, and points
    lie evenly along each stroke. A network makes of them what it needs (`edgernn.models.PenReader`).

    Args:
        drawing: what was written.
        unit: what counts as a height of 1, see `normalised`.
        step: from one point to the next, in heights.
    """
    even = resampled(normalised(drawing, unit), step)
    begins = np.concatenate([np.eye(1, len(stroke))[0] for stroke in even.strokes])
    return np.column_stack([even.points, begins]).astype(np.float32)
