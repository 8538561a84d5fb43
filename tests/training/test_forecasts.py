from __future__ import annotations

import pytest
import torch
from torch import nn

from edgernn.training.forecasts import forecasts_at, middle


class RunningMean(nn.Module):
    """Gives the step's number, and the mean of all that it saw."""

    def forward(self, x):
        steps = torch.ones_like(x).cumsum(1)
        return torch.cat([x, x.cumsum(1) / steps], -1)


@pytest.mark.parametrize("every", [1, 3, 5, 7, 100])
@pytest.mark.parametrize("count", [1, 6, 11])
def test_every_origin_is_forecast_once_in_order(every: int, count: int) -> None:
    values = torch.arange(40.0).unsqueeze(1)
    origins = range(17, 17 + count)
    given = forecasts_at(RunningMean(), values, origins, window=4, every=every)
    assert given[:, 0].tolist() == list(origins)
    # The past is `window` steps, or more by as many as it shares with origins before it.
    seen = 2 * (given[:, 0] - given[:, 1]) + 1
    assert (seen >= 4).all()
    assert (seen <= 4 + every - 1).all()


def test_the_middle_quantile() -> None:
    forecasts = torch.arange(12.0).view(2, 6)
    assert middle(forecasts, 2).tolist() == [[1, 4], [7, 10]]
    assert middle(forecasts, 6).tolist() == forecasts.tolist()
