"""What is known of a future time step when the forecast is made: the calendar, columns such as holidays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgernn.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Cycle:
    """A place in a cycle that follows from a time.

    Attributes:
        length: of the cycle, e.g. 24 for the hour of a day.
        attribute: of pandas.DatetimeIndex.
    """

    length: float
    attribute: str


CYCLES = {
    "hour": Cycle(24, "hour"),
    "weekday": Cycle(7, "day_of_week"),
    "day": Cycle(31, "day"),
    "month": Cycle(12, "month"),
    "yearday": Cycle(365.25, "day_of_year"),
}


def cycle_lengths(names: Sequence[str]) -> tuple[float, ...]:
    """How long each cycle is; raises InputError where there is none of that name."""
    for name in names:
        if name not in CYCLES:
            raise InputError(f"option calendar: {name!r} is none of {', '.join(CYCLES)}.")
    return tuple(CYCLES[name].length for name in names)


def calendar(times: pd.DatetimeIndex | None, names: Sequence[str]) -> np.ndarray:
    """The place of each time in the named cycles, as numbers.

    Args:
        times: of each row; None where the series has none.
        names: of `CYCLES`.

    Returns:
        (time, cycles) float64.

    Raises:
        InputError: where there are no times.
    """
    if times is None:
        raise InputError("option calendar: it follows from a column of times; name it (time_column).")
    found: list[Any] = [getattr(times, CYCLES[name].attribute) for name in names]
    return np.stack([np.asarray(column, dtype=float) for column in found], axis=1)


def early(values: np.ndarray, horizon: int) -> np.ndarray:
    """Each row's values `horizon` rows early; the last rows, which no forecast is made at, repeat the last.

    Args:
        values: (time, columns).
        horizon: rows.
    """
    return np.concatenate([values[horizon:], np.repeat(values[-1:], horizon, axis=0)])[: len(values)]
