"""What all tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from edgernn.errors import InputError
from edgernn.kernels import library_name
from edgernn.kernels.build import compile_sources, find_header
from tests.once import made_once

# pytest-xdist keeps every core busy already; several threads in each worker would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# onnxruntime alone is tested, whatever the user has built; the tests of kernels name their library.
os.environ["EDGERNN_KERNELS"] = "off"

# Folder of onnxruntime's C header, where it stands elsewhere than packages put it.
HEADER_VARIABLE = "EDGERNN_ORT_INCLUDE"

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


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`compiled(name, header, *options of CMake)`: the folder of a build, made at its first use."""
    if shutil.which("cmake") is None or shutil.which("c++") is None:
        pytest.skip("needs CMake and a C++ compiler: apt-get install cmake g++")

    def build(name: str, header: Path | None, *definitions: str) -> Path:
        def compile_into(folder: Path) -> None:
            compile_sources(folder, header, *definitions)

        return made_once(tmp_path_factory, f"kernels-{name}", compile_into)

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
    return compiled("library", header) / library_name()


# onnxruntime for Node.js and for browsers, what drives a browser, and what reads TypeScript and Kotlin.
_NPM_PACKAGES = (
    "onnxruntime-node@1",
    "onnxruntime-web@1",
    "playwright-core@1",
    "typescript@5",
    "kotlin-compiler@2",
)


@pytest.fixture(scope="session")
def npm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the npm packages of the tests installed. Skips where node or npm is missing."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs node and npm, in Debian the packages nodejs and npm")

    def install(folder: Path) -> None:
        (folder / "package.json").write_text('{"private": true, "type": "module"}')
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *_NPM_PACKAGES]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            pytest.fail(f"npm could not install {', '.join(_NPM_PACKAGES)}: {done.stderr[-500:]}")

    return made_once(tmp_path_factory, "npm", install)
