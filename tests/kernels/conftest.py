"""The library of kernels and its test program, compiled once for all tests and workers."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from edgernn import kernels
from edgernn.errors import InputError
from edgernn.kernels.build import compile_sources, find_header

# Folder of onnxruntime's C header, where it stands elsewhere than packages put it.
HEADER_VARIABLE = "EDGERNN_ORT_INCLUDE"


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[..., Path]:
    """`compiled(name, header, *options of CMake)`: the folder of a build, made at its first use."""
    if shutil.which("cmake") is None or shutil.which("c++") is None:
        pytest.skip("needs CMake and a C++ compiler: apt-get install cmake g++")
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent

    def build(name: str, header: Path | None, *definitions: str) -> Path:
        folder = shared / f"kernels-{name}"
        with FileLock(shared / f"kernels-{name}.lock"):
            if not (folder / "done").exists():
                compile_sources(folder, header, *definitions)
                (folder / "done").touch()
        return folder

    return build


@pytest.fixture(scope="session")
def header() -> Path:
    """The folder of onnxruntime's C header."""
    try:
        return find_header(os.environ.get(HEADER_VARIABLE))
    except InputError as error:
        pytest.skip(f"{error} For the tests, name it with {HEADER_VARIABLE}.")


@pytest.fixture(scope="session")
def library(compiled: Callable[..., Path], header: Path) -> Path:
    """The library for onnxruntime."""
    return compiled("library", header) / kernels.library_name()


@pytest.fixture(scope="session")
def run_cases(compiled: Callable[..., Path]) -> Path:
    """The program that runs cases without onnxruntime."""
    return compiled("program", None) / "run_cases"


def processor() -> str:
    """x86_64 or aarch64, whatever this system calls it."""
    return {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
