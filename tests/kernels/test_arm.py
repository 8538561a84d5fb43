"""The sets of 64-bit ARM, compiled by a cross compiler and run under emulation."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .cases import SCHEMES, draw_many
from .checks import check_close, check_equal
from .running import answers, available

pytestmark = pytest.mark.slow

COMPILER, EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64-static"
LAYERS = draw_many(seed=3)


@pytest.fixture(scope="session")
def program(compiled: Callable[..., Path]) -> Path:
    missing = [tool for tool in (COMPILER, EMULATOR) if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}: apt-get install g++-aarch64-linux-gnu qemu-user-static")
    folder = compiled(
        "arm", None, "-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
        f"-DCMAKE_CXX_COMPILER={COMPILER}", "-DCMAKE_EXE_LINKER_FLAGS=-static",
    )  # fmt: skip
    return folder / "run_cases"


def test_sets_are_found_by_what_the_processor_has(program: Path) -> None:
    assert available([EMULATOR, program]) == ["neon_dot", "neon", "plain"]
    assert available([EMULATOR, "-cpu", "cortex-a53", program]) == ["neon", "plain"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_arm_gives_what_the_reference_and_x86_give(
    program: Path, run_cases: Path, tmp_path: Path, scheme: str
) -> None:
    here = answers([run_cases], LAYERS, tmp_path, "plain", scheme=scheme)
    for name in available([EMULATOR, program]):
        found = answers([EMULATOR, program], LAYERS, tmp_path, name, scheme=scheme)
        check_close(LAYERS, found, scheme=scheme)
        if scheme != "float32":
            check_equal(LAYERS, found, here)
