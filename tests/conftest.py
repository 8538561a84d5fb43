"""What all tests share."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

# pytest-xdist keeps every core busy already; several threads in each worker would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A first export or a first import takes seconds, which says nothing about the code that is tested.
settings.register_profile("edgernn", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("edgernn")


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    """Every test draws the same numbers whichever tests ran before it."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(0)
