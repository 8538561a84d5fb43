"""Forecasting: all samples of the next blocks, as changes from the last one seen, by the squared error."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from edgernn.training.pretraining.future import FutureObjective, FutureValues


class Forecast(FutureObjective):
    """The next `ahead` blocks."""

    summary = "Learn recordings without labels by forecasting their next values."
    error_name = "mse"

    def network(self, encoder: Any, **arguments: Any) -> nn.Module:
        """The encoder and a linear head."""
        return FutureValues(encoder, arguments["ahead"], blocks=arguments["ahead"], changes=True)

    def error(self, found: Tensor, came: Tensor) -> Tensor:
        """The mean squared error."""
        return (found - came).square().mean()


OBJECTIVE = Forecast
