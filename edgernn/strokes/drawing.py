"""Drawing: what a pen wrote, as strokes of points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Drawing:
    """Strokes in the order in which they were written; a stroke is where the pen went while it touched.

    Attributes:
        strokes: each (points, 2) or (points, 3) float64: x to the right, y down, and perhaps the time in
            seconds. x and y have any unit and origin.

    Raises:
        InputError: where there is no stroke, one has no points or another shape, or a value is not finite.

    Example:
        >>> cross = Drawing([[[0, 0], [1, 1]], [[1, 0], [0, 1]]])
        >>> len(cross.strokes), cross.strokes[0].shape
        (2, (2, 2))
    """

    strokes: tuple[Points, ...]

    def __init__(self, strokes: Iterable[npt.ArrayLike]) -> None:
        found = tuple(np.asarray(stroke, dtype=np.float64) for stroke in strokes)
        if not found:
            raise InputError("drawing: it holds no strokes, so nothing was written.")
        for number, stroke in enumerate(found, start=1):
            if stroke.ndim != 2 or stroke.shape[1] not in (2, 3) or not len(stroke):
                raise InputError(
                    f"drawing: stroke {number} must be points (points, 2) of x and y, or (points, 3) with "
                    f"the time, found shape {stroke.shape}."
                )
            if not np.isfinite(stroke).all():
                raise InputError(f"drawing: stroke {number} holds NaN or infinity; leave such points out.")
        object.__setattr__(self, "strokes", found)

    @property
    def points(self) -> Points:
        """x and y of all points, in a row: (points, 2)."""
        return np.concatenate([stroke[:, :2] for stroke in self.strokes])
