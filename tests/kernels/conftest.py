"""The test program of the kernels; the library itself comes from tests/conftest.py."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def run_cases(compiled: Callable[..., Path]) -> Path:
    """The program that runs cases without onnxruntime."""
    return compiled("program", None) / "run_cases"


def processor() -> str:
    """x86_64 or aarch64, whatever this system calls it."""
    return {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
