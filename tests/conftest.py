"""What all tests share."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

# pytest-xdist keeps every core busy already; several threads in each worker would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What is tested is what onnxruntime alone does, whatever this machine's user has built; tests/kernels/ name their
# library.
os.environ["EDGERNN_KERNELS"] = "off"

# A first export or a first import takes seconds, which says nothing about the code that is tested.
_FORGIVING = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The suite draws the same examples everywhere, so that a red run is the change's own fault. To look further:
# pytest --hypothesis-profile=explore
settings.register_profile("edgernn", _FORGIVING, derandomize=True)
settings.register_profile("explore", _FORGIVING, print_blob=True)
settings.load_profile("edgernn")


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    """Every test draws the same numbers whichever tests ran before it."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(0)
