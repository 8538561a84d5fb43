"""One quickstart for all tests of this folder: it takes half a minute."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from edgernn.quickstart import QuickstartReport, quickstart


@dataclass(frozen=True)
class Quickstart:
    """A quickstart that has run.

    Attributes:
        folder: what it wrote.
        report: what it returned.
        said: what it told, line by line.
    """

    folder: Path
    report: QuickstartReport
    said: list[str]


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Quickstart:
    """Run once, by whichever worker of pytest-xdist comes first. Nothing may write into its folder."""
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "quickstart"
    root.mkdir(exist_ok=True)
    kept = root / "kept.pickle"
    with FileLock(root / "lock"):
        if not kept.exists():
            said: list[str] = []
            report = quickstart(root / "out", progress=False, say=said.append)
            kept.write_bytes(pickle.dumps(Quickstart(root / "out", report, said)))
    found: Quickstart = pickle.loads(kept.read_bytes())
    return found
