"""A time series from columns of the user's CSV file."""

from __future__ import annotations

import io
import itertools
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgernn.errors import InputError
from edgernn.files import existing_file
from edgernn.training.records import read_cells, read_text_file, require_column
from edgernn.training.series import Series

if TYPE_CHECKING:
    import pandas as pd


def read_csv(
    path: str | Path,
    columns: tuple[str, ...] = (),
    *,
    time_column: str = "",
    label_column: str = "",
    every_column: bool = False,
    missing: str = "refuse",
    season: int | None = None,
    unit: str = "",
    rows: int | None = None,
    encoding: str = "utf-8",
) -> Series:
    """Columns of a CSV file with a header line, one time step a row, oldest first.

    Args:
        path: the file.
        columns: names of the columns to read; empty where the file has one numeric column.
        time_column: name of the column with dates or times. They must ascend at one interval; from it follows
            the sample rate. Empty: the rows are taken as equally spaced.
        label_column: name of a column with a label for each time step; an empty cell or 0 is none.
        every_column: whether `columns` being empty stands for all numeric ones.
        missing: "refuse" raises where a value is missing; "interpolate" draws a straight line over the gap.
        season: time steps a season has.
        unit: unit of the values.
        rows: how many rows to read; None: all.
        encoding: of the file.

    Raises:
        InputError: the file is missing, empty or not a table; a column is unknown or holds text; values are
            missing or infinite; times do not ascend at one interval. Where it is about a line, with the line.
    """
    file = existing_file(path, "data")
    header, table = _read_table(file, rows, encoding)
    for name, argument in ((time_column, "time_column"), (label_column, "label_column")):
        if name:
            require_column(name, header, f"{str(file)!r}, option {argument}")
    if not columns:
        numeric = tuple(
            str(name)
            for name in table.select_dtypes("number").columns
            if name not in (time_column, label_column)
        )
        if not numeric or (len(numeric) != 1 and not every_column):
            raise InputError(
                f"column: {str(file)!r} has {len(numeric)} numeric columns, so name the one to take. "
                f"Its columns: {', '.join(header)}."
            )
        columns = numeric
    for name in columns:
        require_column(name, header, f"{str(file)!r}, option column")
    values = [_numbers(table, name, missing, str(file)) for name in columns]
    times = _times(table, time_column, str(file)) if time_column else None
    sample_rate = None if times is None else _sample_rate(times, time_column, str(file))
    source = f"{file} (column{'s' if len(columns) > 1 else ''} {', '.join(columns)}; {len(table)} rows)"
    labels = _labels(table, label_column) if label_column else None
    return Series(np.stack(values, axis=1), columns, unit, season, sample_rate, source, times, labels)


def _read_table(file: Path, rows: int | None, encoding: str) -> tuple[list[str], pd.DataFrame]:
    """The header and the rows; raises InputError where a row has more or fewer cells than the header."""
    import pandas as pd

    cells = itertools.islice(read_cells(file, encoding), None if rows is None else rows + 1)
    (line, header), *found = cells
    if line != 1:
        raise InputError(f"data: {str(file)!r}, line 1: it is empty, and must hold the names of the columns.")
    if not found:
        raise InputError(f"data: {str(file)!r} has a header line but no rows.")
    # An empty line within the data is a missing value, and line numbers stay those of the file.
    # Empty lines at the end are only that.
    text = io.StringIO(read_text_file(file, encoding).rstrip())
    table = pd.read_csv(text, nrows=rows, skipinitialspace=True, skip_blank_lines=False, index_col=False)
    table.columns = pd.Index(header)
    return header, table


def _labels(table: pd.DataFrame, name: str) -> tuple[str, ...]:
    """A column of labels as text; what is missing, empty, 0 or false is none."""
    texts = table[name].astype(object).where(table[name].notna(), "")
    found = ("" if text == 0 else str(text).strip() for text in texts)
    return tuple("" if text.lower() in ("0", "0.0", "false") else text for text in found)


def _line(row: int) -> str:
    """A row of the table as the user's editor counts it: the header is line 1."""
    return f"line {row + 2}"


def _numbers(table: pd.DataFrame, name: str, missing: str, file: str) -> np.ndarray:
    """One column as finite float64."""
    import pandas as pd

    column = table[name]
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    text = numbers.isna() & column.notna()
    if text.any():
        row = int(text.to_numpy().argmax())
        raise InputError(
            f"data: {file!r}, {_line(row)}: {column.iloc[row]!r} in column {name!r} is no number, as "
            f"{int(text.sum())} of its values. Name another column, or clean the file."
        )
    infinite = np.isinf(numbers.to_numpy())
    if infinite.any():
        raise InputError(
            f"data: {file!r}, {_line(int(infinite.argmax()))}: infinite value in column {name!r}."
        )
    gaps = numbers.isna().to_numpy()
    if gaps.any():
        if missing != "interpolate":
            raise InputError(
                f"data: {file!r}, {_line(int(gaps.argmax()))}: no value in column {name!r}; "
                f"{int(gaps.sum())} of {len(gaps)} values are missing. Fill them, or set missing=interpolate."
            )
        if gaps[0] or gaps[-1]:
            raise InputError(
                f"data: {file!r}, {_line(0 if gaps[0] else len(gaps) - 1)}: the "
                f"{'first' if gaps[0] else 'last'} value of column {name!r} is missing and cannot be "
                "interpolated. Remove the rows without a value at the start and the end."
            )
        numbers = numbers.interpolate(method="linear")
    return np.asarray(numbers.to_numpy(dtype=float))


def _times(table: pd.DataFrame, name: str, file: str) -> pd.DatetimeIndex:
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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            unread = pd.to_datetime(as_text, errors="coerce").isna() & column.notna()
        row = int(unread.to_numpy().argmax())
        raise InputError(
            f"data: {file!r}, {_line(row)}: {column.iloc[row]!r} in time_column {name!r} is no date that can "
            "be read. Write dates as 2024-12-31 or 2024-12-31 23:59:59."
        ) from error
    steps = _seconds(times)
    if times.hasnans or (steps <= 0).any():
        row = int(np.asarray(times.isna()).argmax()) if times.hasnans else int((steps <= 0).argmax()) + 1
        raise InputError(
            f"data: {file!r}, {_line(row)}: {table[name].iloc[row]!r} in time_column {name!r}, which must "
            "ascend. Sort the file."
        )
    found: pd.DatetimeIndex = times
    return found


def _seconds(times: pd.DatetimeIndex) -> np.ndarray:
    """From each time to the next."""
    steps = np.diff(times.to_numpy()).astype("timedelta64[ns]").astype(np.int64)
    return np.asarray(steps / 1e9)


def _sample_rate(times: Any, name: str, file: str) -> float | None:
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
        f"data: {file!r}, {_line(row)}: {steps[row - 1]:g} s after the line before, in time_column {name!r} "
        f"with usually {usual:g} s. Add the missing rows, or leave out time_column to take the rows as "
        "equally spaced."
    )
