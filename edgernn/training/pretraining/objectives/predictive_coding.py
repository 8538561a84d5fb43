"""Autoregressive predictive coding: a block of samples some steps ahead, by the absolute error.

Chung et al. (2019), "An Unsupervised Autoregressive Model for Speech Representation Learning": what comes
next is smooth and easily guessed; what comes a few steps later takes knowledge of what is going on.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from edgernn.training.pretraining.future import FutureObjective, FutureValues


class PredictiveCoding(FutureObjective):
    """The block that is `ahead` blocks away."""

    summary = "Learn recordings without labels by predicting what comes some steps ahead."
    error_name = "mae"

    def network(self, encoder: Any, **arguments: Any) -> nn.Module:
        """The encoder and a linear head."""
        return FutureValues(encoder, arguments["ahead"], blocks=1, changes=False)

    def error(self, found: Tensor, came: Tensor) -> Tensor:
        """The mean absolute error."""
        return (found - came).abs().mean()


OBJECTIVE = PredictiveCoding
