"""Windows of past values over a time series, and its split in time order.

A window's origin is its last time step: the moment at which the forecast is made.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset

from edgernn.errors import InputError


@dataclass(frozen=True)
class Split:
    """A series cut in time order: training, then validation, then test.

    Attributes:
        train_end: time steps of the training part; the validation part starts here.
        validation_end: where the validation part ends and the test part starts.
        end: time steps of the whole series.
    """

    train_end: int
    validation_end: int
    end: int

    def train_origins(self, window: int, horizon: int) -> range:
        """Origins whose window and forecast targets lie in the training part alone."""
        return range(window - 1, self.train_end - horizon)

    def validation_origins(self, horizon: int) -> range:
        """Origins whose forecast targets lie in the validation part; the past before it is known by then."""
        return range(self.train_end - 1, self.validation_end - horizon)

    def test_origins(self, horizon: int) -> range:
        """Origins whose forecast targets lie in the test part; the past before it is known by then."""
        return range(self.validation_end - 1, self.end - horizon)


def split_in_time(
    steps: int, *, validation_size: float, test_size: float, window: int, horizon: int
) -> Split:
    """Cut a series of `steps` time steps.

    Args:
        steps: its length.
        validation_size, test_size: below 1 the share of the series; from 1 on a number of time steps.
        window: time steps a window has.
        horizon: time steps that are forecast.

    Raises:
        InputError: where the series is too short for that.
    """
    validation, test = (
        round(size * steps) if size < 1 else int(size) for size in (validation_size, test_size)
    )
    split = Split(steps - validation - test, steps - test, steps)
    parts = {
        "training": (split.train_end, window + horizon),
        "validation": (validation, horizon),
        "test": (test, horizon),
    }
    for name, (found, needed) in parts.items():
        if found < needed:
            raise InputError(
                f"data: the series has {steps} time steps, which leaves {max(found, 0)} for the {name} part; "
                f"with window={window} and horizon={horizon} it needs {needed}. Use a longer series, a "
                "smaller window or horizon, or other sizes of the validation and test parts."
            )
    return split


class Windows(Dataset):
    """Windows over a series, kept once in memory: a sample is (inputs, targets).

    Args:
        series: (time, features) float32.
        origins: the time step at which each window ends.
        window: time steps of the inputs.
        horizon: future time steps of the targets.
        targets: how many of the features are targets: the first ones.
        scored_steps: how many of the window's last time steps have targets.

    A sample's inputs are (window, features), its targets (scored_steps, horizon × targets), laid out as the
    output of `edgernn.models.Forecaster`. Indexed with a list, it gives a whole batch at once.
    """

    def __init__(
        self,
        series: Tensor,
        origins: range,
        window: int,
        horizon: int = 1,
        targets: int | None = None,
        scored_steps: int = 1,
    ) -> None:
        inside = len(origins) > 0 and origins[0] >= window - 1 and origins[-1] + horizon < len(series)
        if not inside or not 1 <= scored_steps <= window:
            raise InputError(
                f"Windows: origins {origins} with window={window}, horizon={horizon} and "
                f"scored_steps={scored_steps} do not fit a series of {len(series)} time steps."
            )
        self.origins = origins
        self._first = origins[0] - window + 1
        self._inputs = series.unfold(0, window, 1).transpose(1, 2)
        future = series[1:, :targets].unfold(0, horizon, 1).transpose(1, 2).flatten(1)
        self._targets = future.unfold(0, scored_steps, 1).transpose(1, 2)
        self._lead = window - scored_steps

    def __len__(self) -> int:
        return len(self.origins)

    def __getitem__(self, index: int | list[int]) -> tuple[Tensor, Tensor]:
        start = torch.as_tensor(index) * self.origins.step + self._first
        return self._inputs[start], self._targets[start + self._lead]


def in_blocks(
    series: Tensor, origins: range, window: int, horizon: int, targets: int | None = None, *, every: int = 1
) -> Windows:
    """Windows whose last `every` steps are scored: each origin is in one, the last few may be in none.

    With every=1 each origin has a window of its own; more of them in a window share one pass over the past.
    """
    scored = min(every, len(origins), window)
    return Windows(series, origins[scored - 1 :: scored], window, horizon, targets, scored_steps=scored)
