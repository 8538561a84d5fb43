from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from edgernn.errors import InputError
from edgernn.training.known_future import calendar, cycle_lengths, early


def test_the_calendar_is_that_of_the_times() -> None:
    times = pd.DatetimeIndex(["2024-12-31 23:00", "2025-01-01 00:00"])
    found = calendar(times, ("hour", "weekday", "day", "month", "yearday"))
    assert found.tolist() == [[23, 1, 31, 12, 366], [0, 2, 1, 1, 1]]
    assert cycle_lengths(("weekday", "hour")) == (7, 24)


def test_values_come_early() -> None:
    assert early(np.arange(5.0)[:, None], 2).ravel().tolist() == [2, 3, 4, 4, 4]
    assert early(np.arange(2.0)[:, None], 3).ravel().tolist() == [1, 1]


def test_what_has_no_calendar_is_refused() -> None:
    with pytest.raises(InputError, match="name it \\(time_column\\)"):
        calendar(None, ("hour",))
    with pytest.raises(InputError, match="'hours' is none of hour, weekday"):
        cycle_lengths(("hours",))
