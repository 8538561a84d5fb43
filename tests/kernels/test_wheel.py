"""A wheel with the kernels in it, which those who install it compile nothing for."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edgernn.kernels import library_name, open_library

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_wheel_with_kernels_is_of_one_platform_and_no_python(header: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "EDGERNN_BUILD_KERNELS": "1", "EDGERNN_ORT_INCLUDE": str(header)}
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, ROOT]
    subprocess.run(list(map(str, command)), env=environment, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("edgernn-*.whl")
    assert "-py3-none-" in wheel.name
    assert not wheel.name.endswith("-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extract(f"edgernn/kernels/lib/{library_name()}", tmp_path)
    assert open_library(tmp_path / "edgernn" / "kernels" / "lib" / library_name()).available[-1] == "plain"
