"""Choosing form, scheme, chunk and session options for a network on this machine, by measurement."""

from __future__ import annotations

from edgernn.tune.report import Trial, TuneReport
from edgernn.tune.search import tune

__all__ = ["Trial", "TuneReport", "tune"]
