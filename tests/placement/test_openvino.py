"""A second real provider: onnxruntime-openvino, in an environment of its own.

It takes the place of onnxruntime, so the environment has it in front of this one's packages. It needs pip's
package index.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from .networks import FILES
from .on_provider import CONTRACTS, OTHER

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PACKAGE = "onnxruntime-openvino"


def run(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False, **options
    )


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment's Python; made once, also where several processes run the tests."""
    folder = tmp_path_factory.getbasetemp().parent / "openvino"
    executable = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            made = run(sys.executable, "-m", "venv", "--without-pip", folder)
            assert made.returncode == 0, made.stderr
            (own,) = (
                folder.glob("lib*/**/site-packages")
                if os.name == "nt"
                else folder.glob("lib/*/site-packages")
            )
            # Behind the environment's own packages come this environment's and the checkout.
            (own / "behind.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n")
            pip = [sys.executable, "-m", "pip", "--python", executable, "install", "--no-deps", "-q"]
            installed = run(*pip, "-c", ROOT / "tools" / "constraints.txt", PACKAGE)
            (folder / "pip.txt").write_text("" if installed.returncode == 0 else installed.stderr)
    problem = (folder / "pip.txt").read_text()
    if "No matching distribution" in problem:
        pytest.skip(f"{PACKAGE} has no wheel for this Python: {problem.strip().splitlines()[-1]}")
    assert problem == ""
    return executable


def ask(python: Path, *words: object) -> dict[str, Any]:
    """What on_provider.py found."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    found = run(
        python,
        Path(__file__).with_name("on_provider.py"),
        *words,
        cwd=ROOT,
        env=environment | {"OMP_NUM_THREADS": "1"},
    )
    assert found.returncode == 0, found.stderr
    answer: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return answer


# For 3.10 there is onnxruntime-openvino 1.23.
tells = pytest.mark.skipif(sys.version_info < (3, 11), reason="onnxruntime tells what it assigned since 1.24")


@tells
def test_onnxruntime_assigns_as_the_rules_say(python: Path, files: dict[str, Path]) -> None:
    found = ask(python, "compare", "openvino", *files.values())
    assert len(found) == len(FILES) == 5
    assert [(path, item) for path, item in found.items() if item["error"] or item["differences"]] == []


@tells
def test_wrong_rules_are_found(python: Path, files: dict[str, Path]) -> None:
    found = ask(python, "wrong", "openvino", files["gru"], files["scan"])
    assert any(
        "the rules say: it has no Transpose" in text for text in found[str(files["gru"])]["differences"]
    )
    assert any("the rules of openvino take it" in text for text in found[str(files["scan"])]["differences"])


def test_the_parity_suite_passes(python: Path) -> None:
    found = ask(python, "verify", "openvino")
    assert not found.pop(OTHER)["passed"]
    assert set(found) == set(CONTRACTS)
    assert [(name, item) for name, item in found.items() if not item["passed"]] == []
