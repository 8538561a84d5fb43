"""Networks by the shape of their task, one file each."""

from __future__ import annotations

from edgernn.models.forecaster import Forecaster

__all__ = ["Forecaster"]
