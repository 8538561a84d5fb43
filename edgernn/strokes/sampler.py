"""The rows that a streaming network takes, while the pen moves."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError
from edgernn.strokes.rows import COLUMNS, STEP

Rows = npt.NDArray[np.float32]


class PenSampler:
    """Turns what a pen reports, at whatever rate, into the rows that `point_rows` makes of the whole drawing.

    The writing's height is not known while it is written: give that of the line or field that is written in.

    Args:
        unit: the height of writing in the pen's own unit, e.g. pixels.
        step: from one row's point to the next, in heights.

    Raises:
        InputError: where an argument is not a finite number above 0.

    Example:
        >>> pen = PenSampler(unit=32)
        >>> len(pen.move(100, 100)), len(pen.move(100, 103)), len(pen.move(100, 106)), len(pen.lift())
        (1, 1, 2, 0)
    """

    def __init__(self, unit: float, step: float = STEP) -> None:
        for name, value in (("unit", unit), ("step", step)):
            if not value > 0 or not math.isfinite(value):
                raise InputError(f"PenSampler: {name} must be a finite number above 0, found {value!r}.")
        self.unit, self.step = unit, step
        self.reset()

    def reset(self) -> None:
        """Begin another drawing."""
        self._origin: tuple[float, float] | None = None
        self._at: tuple[float, float] | None = None
        self._along = 0.0
        self._given = 0

    def move(self, x: float, y: float) -> Rows:
        """The pen touches at (x, y): the rows (points, 3) that are certain by now, perhaps none.

        Raises:
            InputError: where a value is not finite.
        """
        if not (math.isfinite(x) and math.isfinite(y)):
            raise InputError(f"move: x and y must be finite numbers, found {x!r} and {y!r}.")
        self._origin = self._origin or (x, y)
        place = ((x - self._origin[0]) / self.unit, (y - self._origin[1]) / self.unit)
        if self._at is None:
            self._at, self._along, self._given = place, 0.0, 0
            return _rows([(*place, 1.0)])
        start, length = self._at, math.dist(self._at, place)
        found = []
        # As in a whole drawing, a point that the stroke may end at is left to `lift`.
        while length and (self._given + 1) * self.step < self._along + length - self.step / 1000:
            self._given += 1
            share = (self._given * self.step - self._along) / length
            found.append((*(a + share * (b - a) for a, b in zip(start, place, strict=True)), 0.0))
        self._at, self._along = place, self._along + length
        return _rows(found)

    def lift(self) -> Rows:
        """The pen was lifted: the row of the stroke's last point, where it is not given yet."""
        at, self._at = self._at, None
        return _rows([(*at, 0.0)] if at is not None and self._along > 0 else [])


def _rows(points: list[tuple[float, ...]]) -> Rows:
    return np.array(points, dtype=np.float32).reshape(-1, len(COLUMNS))
