from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgernn.errors import InputError
from edgernn.training.csv_series import read_csv
from edgernn.training.series import el_nino

TABLE = "day,y,z,word\n2020-01-01,1.5,10,a\n2020-01-02,2.5,20,b\n2020-01-03,4.5,30,c\n"


def write(folder: Path, text: str | bytes) -> Path:
    file = folder / "t.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def test_el_nino_is_the_monthly_series_in_order_of_time() -> None:
    series = el_nino()
    assert series.values.shape == (61 * 12, 1)
    # January and February 1950, January 1951, December 2010.
    assert series.values[[0, 1, 12, -1], 0].tolist() == [23.11, 24.2, 24.19, 22.07]
    assert (series.unit, series.season, series.sample_rate) == ("°C", 12, None)
    for word in ("El Niño", "1950", "2010", "NOAA", "public domain", "statsmodels"):
        assert word in series.source


def test_columns_come_in_the_order_asked_for(tmp_path: Path) -> None:
    series = read_csv(write(tmp_path, TABLE), ("z", "y"), time_column="day", season=7, unit="kW")
    assert series.values.tolist() == [[10, 1.5], [20, 2.5], [30, 4.5]]
    assert (series.columns, series.season, series.unit) == (("z", "y"), 7, "kW")
    assert series.sample_rate == pytest.approx(1 / 86400)
    assert str(tmp_path) in series.source


def test_rows_are_limited_on_request(tmp_path: Path) -> None:
    assert len(read_csv(write(tmp_path, TABLE), ("y",), rows=2).values) == 2


def test_the_only_numeric_column_needs_no_name(tmp_path: Path) -> None:
    file = write(tmp_path, "year,y\n1951,1\n1952,2\n1953,3\n")
    series = read_csv(file, time_column="year")
    assert series.columns == ("y",)
    assert series.sample_rate is None  # years are not all as long


@pytest.mark.parametrize(
    ("times", "rate"),
    [
        (["2020-01-01 00:00", "2020-01-01 00:15", "2020-01-01 00:30"], 1 / 900),
        (["2020-01-01T00:00:00.00", "2020-01-01T00:00:00.02", "2020-01-01T00:00:00.04"], 50.0),
        (["Jan 1 2000", "Feb 1 2000", "Mar 1 2000"], None),
        (["2020-01-31", "2020-02-29", "2020-03-31"], None),
    ],
)
def test_the_sample_rate_follows_from_the_times(tmp_path: Path, times: list[str], rate: float | None) -> None:
    rows = "\n".join(f"{time},{n}" for n, time in enumerate(times))
    assert read_csv(write(tmp_path, f"t,y\n{rows}\n"), ("y",), time_column="t").sample_rate == rate


def test_gaps_are_refused_with_their_number_and_place_or_interpolated(tmp_path: Path) -> None:
    file = write(tmp_path, "y\n1\n\nNA\n4\n\n\n")
    with pytest.raises(InputError, match=r"line 3: no value in column 'y'; 2 of 4 values.*interpolate"):
        read_csv(file, ("y",))
    assert read_csv(file, ("y",), missing="interpolate").values.ravel().tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "end"), [("y\nNA\n2\n3\n", "line 2: the first"), ("y\n1\n2\nNA\n", "line 4: the last")]
)
def test_a_gap_at_an_end_cannot_be_interpolated(tmp_path: Path, text: str, end: str) -> None:
    with pytest.raises(InputError, match=f"{end} value of column 'y' is missing"):
        read_csv(write(tmp_path, text), ("y",), missing="interpolate")


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("", {}, "is empty"),
        ("y\n", {}, "has a header line but no rows"),
        (b"y\n1\n\xff\n", {}, "is not utf-8 text: byte 0xFF in line 3.*encoding=latin-1"),
        ('y\n"1\n', {}, "line 2: unexpected end of data"),
        ("y\n1,2\n3,4\n", {}, r"line 2: 2 cells, the header has 1 \(y\)"),
        ("y,z\n1,2\n3,4,5\n", {}, "line 3: 3 cells, the header has 2"),
        ("y,z\n1,2\n3\n", {}, "line 3: 1 cells, the header has 2"),
        ("\ny,z\n1,2\n", {}, "line 1: it is empty, and must hold the names"),
        ("y,y\n1,2\n", {}, "line 1: two columns are called 'y'"),
        (TABLE, {"columns": ("Y",)}, "no column 'Y'.*It has day, y, z, word"),
        (TABLE, {"columns": ("wrd",)}, "Did you mean 'word'"),
        (TABLE, {"columns": ("word",)}, "line 2: 'a' in column 'word' is no number, as 3 of its values"),
        ("y\n1\n2\nx3\n", {"columns": ("y",)}, "line 4: 'x3' in column 'y' is no number"),
        ("y\n1\ninf\n", {"columns": ("y",)}, "line 3: infinite value in column 'y'"),
        (TABLE, {}, "2 numeric columns, so name the one to take"),
        (TABLE, {"columns": ("y",), "time_column": "date"}, "option time_column: there is no column 'date'"),
        (TABLE, {"columns": ("y",), "time_column": "word"}, "line 2: 'a' in time_column 'word' is no date"),
        (
            "t,y\n2020-01-02,1\n2020-01-01,2\n",
            {"columns": ("y",), "time_column": "t"},
            "line 3: '2020-01-01'.*must ascend",
        ),
        (
            "t,y\n2020-01-02,1\n,2\n",
            {"columns": ("y",), "time_column": "t"},
            "line 3: nan in time_column 't'",
        ),
        (
            "t,y\n2020-01-01,1\n2020-01-02,2\n2020-01-03,2\n2020-01-06,2\n",
            {"columns": ("y",), "time_column": "t"},
            "line 5: 259200 s after the line before.*usually 86400 s",
        ),
    ],
)
def test_bad_files_are_refused_with_the_reason(
    tmp_path: Path, text: str | bytes, arguments: dict, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read_csv(write(tmp_path, text), **arguments)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file at"):
        read_csv(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is not a file"):
        read_csv(tmp_path)


def test_the_fingerprint_sees_values_and_names(tmp_path: Path) -> None:
    first = read_csv(write(tmp_path, TABLE), ("y",))
    assert first.fingerprint == read_csv(write(tmp_path, TABLE), ("y",)).fingerprint
    changed = TABLE.replace("4.5", "4.6")
    assert first.fingerprint != read_csv(write(tmp_path, changed), ("y",)).fingerprint
    renamed = TABLE.replace(",y,", ",x,")
    assert first.fingerprint != read_csv(write(tmp_path, renamed), ("x",)).fingerprint
    assert np.isfinite(first.values).all()
