from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edgernn.training import train

# A run of about a second.
TINY = {
    "column": "y", "window": 12, "hidden_size": 4, "max_epochs": 3, "season": 6, "batch_size": 16,
}  # fmt: skip

# Texts that a few epochs tell apart, and a run on them of a second.
TOPICS = {"cat": "purrs and sleeps", "dog": "barks and runs", "car": "honks and rolls"}
TEXT_OPTIONS = {
    "embedding_size": 6, "hidden_size": 6, "batch_size": 8, "learning_rate": 0.05, "max_epochs": 8,
    "minimum_count": 1, "test_size": 0.25,
}  # fmt: skip


def texts(file: Path, *labels: str) -> Path:
    lines = [f"{label}\tnumber {n} {TOPICS[label]}" for n in range(12) for label in labels]
    file.write_text("label\ttext\n" + "\n".join(lines) + "\n")
    return file


@pytest.fixture(scope="session")
def text_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of text-classify that tells cats from dogs; for reading alone."""
    folder = tmp_path_factory.mktemp("text_run")
    train("text-classify", data=texts(folder / "old.tsv", "cat", "dog"), options=TEXT_OPTIONS,
          out=folder / "run", quiet=True)  # fmt: skip
    return folder / "run"


def write_series(file: Path, values: np.ndarray) -> Path:
    file.write_text("y\n" + "\n".join(f"{value:.6f}" for value in values) + "\n")
    return file


def seasonal_values(steps: int = 120) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=steps)
    return 20 + 3 * np.sin(np.arange(steps) * 2 * np.pi / 6) + 0.3 * noise


@pytest.fixture
def series_file(tmp_path: Path) -> Path:
    return write_series(tmp_path / "series.csv", seasonal_values())


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    write_series(folder / "series.csv", seasonal_values())
    train("forecast", data=folder / "series.csv", options=TINY, out=folder / "run", quiet=True)
    return folder


@pytest.fixture
def run_folder(_trained: Path, tmp_path: Path) -> Path:
    """A run of three epochs, a copy for each test."""
    return Path(shutil.copytree(_trained / "run", tmp_path / "run"))
