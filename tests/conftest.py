"""What all tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.once import made_once

# pytest-xdist keeps every core busy already; several threads in each worker would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

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
