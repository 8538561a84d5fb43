"""Files, exported once."""

from __future__ import annotations

from pathlib import Path

import pytest

from .networks import FILES


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files of `networks.FILES` by name."""
    folder = tmp_path_factory.mktemp("placement")
    return {name: make(folder) for name, make in FILES.items()}
