"""What is slow to make and only read: made once, whichever worker of pytest-xdist comes first."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` that all workers share; `make` fills it if nobody has."""
    base = factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = root / name
    with FileLock(root / f"{name}.lock"):
        if not (root / f"{name}.ready").exists():
            folder.mkdir()
            make(folder)
            (root / f"{name}.ready").touch()
    return folder
