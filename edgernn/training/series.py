"""A time series, and the one that statsmodels bundles."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgernn.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Series:
    """Values over time.

    Attributes:
        values: (time, columns) float64, finite.
        columns: their names.
        unit: the unit of the values; empty where unknown.
        season: time steps a season has; None where unknown.
        sample_rate: time steps per second; None where unknown or not constant.
        source: what it is and where it comes from, in one sentence.
        times: of each time step; None where unknown.
        labels: of each time step, empty where it has none; None where there is no column of them.
    """

    values: np.ndarray
    columns: tuple[str, ...]
    unit: str
    season: int | None
    sample_rate: float | None
    source: str
    times: pd.DatetimeIndex | None = None
    labels: tuple[str, ...] | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the column names and values, in hexadecimal."""
        names = "\0".join(self.columns).encode()
        return hashlib.sha256(names + np.ascontiguousarray(self.values).tobytes()).hexdigest()


def relative_changes(series: Series, count: int) -> Series:
    """A series with its first `count` columns as relative changes from the step before, one step shorter.

    Raises:
        InputError: where a value to divide by is zero.
    """
    before = series.values[:-1, :count]
    if (before == 0).any():
        step, column = np.argwhere(before == 0)[0]
        raise InputError(
            f"option returns: column {series.columns[column]!r} is 0 at time step {step}, so that the change "
            "from it has no measure. Leave returns out."
        )
    changed = series.values[1:].copy()
    changed[:, :count] = changed[:, :count] / before - 1
    return replace(
        series,
        values=changed,
        unit="",
        source=f"{series.source}, as relative changes from step to step",
        times=None if series.times is None else series.times[1:],
    )


def el_nino() -> Series:
    """Sea surface temperature of the eastern Pacific (Niño 1+2 region), monthly 1950 to 2010, in °C.

    The network's data set for a first run: real, seasonal, public domain, and bundled with statsmodels.
    """
    from statsmodels.datasets import elnino

    table = elnino.load_pandas().data
    years = table["YEAR"].astype(int)
    values = table.drop(columns="YEAR").to_numpy(dtype=float).reshape(-1, 1)
    return Series(
        values,
        columns=("temperature",),
        unit="°C",
        season=12,
        sample_rate=None,
        source=(
            f"El Niño sea surface temperature (Niño 1+2 region, monthly {years.min()} to {years.max()}, °C): "
            "NOAA, public domain, bundled with statsmodels"
        ),
    )


def co2() -> Series:
    """Carbon dioxide in the air over Mauna Loa, weekly 1958 to 2001, ppm, gaps filled by straight lines."""
    from statsmodels.datasets import co2 as data

    values = data.load_pandas().data["co2"]
    return Series(
        values.interpolate().to_numpy(dtype=float).reshape(-1, 1),
        columns=("co2",),
        unit="ppm",
        season=52,
        sample_rate=1 / (7 * 24 * 3600),
        source=(
            f"CO2 over Mauna Loa (weekly {values.index[0].year} to {values.index[-1].year}, ppm; "
            f"{int(values.isna().sum())} gaps filled): public domain, bundled with statsmodels"
        ),
    )


def sunspots() -> Series:
    """Sunspots, yearly 1700 to 2008."""
    from statsmodels.datasets import sunspots as data

    table = data.load_pandas().data
    years = table["YEAR"].astype(int)
    return Series(
        table["SUNACTIVITY"].to_numpy(dtype=float).reshape(-1, 1),
        columns=("sunspots",),
        unit="",
        season=11,
        sample_rate=None,
        source=(f"Sunspots (yearly {years.min()} to {years.max()}): public domain, bundled with statsmodels"),
    )


BUNDLED = {"el-nino": el_nino, "co2": co2, "sunspots": sunspots}
