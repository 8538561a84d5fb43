"""A time series from columns of the user's CSV file."""

from __future__ import annotations

import difflib
import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgernn.errors import InputError
from edgernn.files import existing_file
from edgernn.training.series import Series

if TYPE_CHECKING:
    import pandas as pd


def read_csv(
    path: str | Path,
    columns: tuple[str, ...] = (),
    *,
    time_column: str = "",
    missing: str = "refuse",
    season: int | None = None,
    unit: str = "",
    rows: int | None = None,
) -> Series:
    """Columns of a CSV file with a header line, one time step a row, oldest first.

    Args:
        path: the file.
        columns: names of the columns to read; empty where the file has one numeric column.
        time_column: name of the column with dates or times. They must ascend at one interval; from it follows
            the sample rate. Empty: the rows are taken as equally spaced.
        missing: "refuse" raises where a value is missing; "interpolate" draws a straight line over the gap.
        season: time steps a season has.
        unit: unit of the values.
        rows: how many rows to read; None: all.

    Raises:
        InputError: the file is missing, empty or not a table; a column is unknown or holds text; values are
            missing or infinite; times do not ascend at one interval.
    """
    import pandas as pd

    file = existing_file(path, "data")
    try:
        # An empty line within the data is a missing value, and line numbers stay those of the file.
        # Empty lines at the end are only that.
        text = io.StringIO(file.read_text(encoding="utf-8-sig").rstrip())
        with warnings.catch_warnings():
            # Rows longer than the header: pandas would take their first value as an index, or drop the last.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                text, nrows=rows, skipinitialspace=True, skip_blank_lines=False, index_col=False
            )
    except pd.errors.EmptyDataError as error:
        raise InputError(
            f"data: {str(file)!r} is empty; it must be a CSV file with a header line."
        ) from error
    except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeDecodeError) as error:
        raise InputError(f"data: {str(file)!r} is not a CSV file in UTF-8 ({error}).") from error
    if table.empty:
        raise InputError(f"data: {str(file)!r} has a header line but no rows.")
    if not columns:
        columns = (_only_numeric_column(table, time_column),)
    values = [_numbers(table, _known(table, name, "column"), missing) for name in columns]
    times = _times(table, _known(table, time_column, "time_column")) if time_column else None
    sample_rate = None if times is None else _sample_rate(times, time_column)
    source = f"{file} (column{'s' if len(columns) > 1 else ''} {', '.join(columns)}; {len(table)} rows)"
    return Series(np.stack(values, axis=1), columns, unit, season, sample_rate, source, times)


def _only_numeric_column(table: pd.DataFrame, time_column: str) -> str:
    numeric = [str(name) for name in table.select_dtypes("number").columns if name != time_column]
    if len(numeric) != 1:
        raise InputError(
            f"column: the file has {len(numeric)} numeric columns, so name the one to forecast. "
            f"Its columns: {', '.join(map(str, table.columns))}."
        )
    return numeric[0]


def _known(table: pd.DataFrame, name: str, argument: str) -> str:
    names = [str(column) for column in table.columns]
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise InputError(
            f"{argument}: the file has no column {name!r}.{hint} Its columns: {', '.join(names)}."
        )
    return name


def _line(row: int) -> str:
    """A row of the table as the user's editor counts it: the header is line 1."""
    return f"line {row + 2}"


def _numbers(table: pd.DataFrame, name: str, missing: str) -> np.ndarray:
    """One column as finite float64."""
    import pandas as pd

    column = table[name]
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    text = numbers.isna() & column.notna()
    if text.any():
        row = int(text.to_numpy().argmax())
        raise InputError(
            f"column {name!r}: {int(text.sum())} values are not numbers, the first one {column.iloc[row]!r} "
            f"in {_line(row)}. Name another column, or clean the file."
        )
    infinite = np.isinf(numbers.to_numpy())
    if infinite.any():
        raise InputError(f"column {name!r}: infinite value in {_line(int(infinite.argmax()))}.")
    gaps = numbers.isna().to_numpy()
    if gaps.any():
        if missing != "interpolate":
            raise InputError(
                f"column {name!r}: {int(gaps.sum())} of {len(gaps)} values are missing, the first one in "
                f"{_line(int(gaps.argmax()))}. Fill them, or set missing=interpolate."
            )
        if gaps[0] or gaps[-1]:
            raise InputError(
                f"column {name!r}: the {'first' if gaps[0] else 'last'} value is missing and cannot be "
                "interpolated. Remove the rows without a value at the start and the end."
            )
        numbers = numbers.interpolate(method="linear")
    return np.asarray(numbers.to_numpy(dtype=float))


def _times(table: pd.DataFrame, name: str) -> pd.DatetimeIndex:
    """A column of times, ascending."""
    import pandas as pd

    column = table[name]
    # Without this, pandas reads a column of plain numbers, e.g. years, as nanoseconds since 1970.
    as_text = column.astype(str).where(column.notna())
    try:
        with warnings.catch_warnings():
            # pandas warns where it cannot tell the format and guesses anew in every row.
            warnings.simplefilter("error", UserWarning)
            times: Any = pd.DatetimeIndex(pd.to_datetime(as_text))
    except (ValueError, UserWarning) as error:
        raise InputError(
            f"time_column: {name!r} holds no dates that can be read, such as {column.iloc[0]!r}. Write them "
            "as 2024-12-31 or 2024-12-31 23:59:59."
        ) from error
    steps = _seconds(times)
    if times.hasnans or (steps <= 0).any():
        row = int(np.asarray(times.isna()).argmax()) if times.hasnans else int((steps <= 0).argmax()) + 1
        raise InputError(
            f"time_column: {name!r} must ascend; {_line(row)} holds {table[name].iloc[row]!r}. Sort the file."
        )
    found: pd.DatetimeIndex = times
    return found


def _seconds(times: pd.DatetimeIndex) -> np.ndarray:
    """From each time to the next."""
    steps = np.diff(times.to_numpy()).astype("timedelta64[ns]").astype(np.int64)
    return np.asarray(steps / 1e9)


def _sample_rate(times: Any, name: str) -> float | None:
    """Time steps per second; None for calendar steps such as months."""
    steps = _seconds(times)
    if len(steps) < 2:
        return None
    usual = float(np.median(steps))
    if (steps == usual).all():
        return 1.0 / usual
    months = set(np.diff(times.year * 12 + times.month))
    if len(months) == 1 and months != {0}:
        return None  # months, quarters or years: regular, but not in seconds
    row = int((steps != usual).argmax()) + 1
    raise InputError(
        f"time_column: {name!r} has no regular interval: usually {usual:g} s, but {steps[row - 1]:g} s "
        f"before {_line(row)}. Add the missing rows, or leave out time_column to take the rows as equally "
        "spaced."
    )
