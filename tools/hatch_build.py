"""Puts the compiled kernels into a wheel where EDGERNN_BUILD_KERNELS is 1; otherwise it is pure Python.

    EDGERNN_BUILD_KERNELS=1 EDGERNN_ORT_INCLUDE=FOLDER pip wheel --no-deps -w dist .

pip never needs a compiler: without the variable nothing is compiled. [tool.cibuildwheel] in pyproject.toml
says for which platforms wheels are made.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KernelsBuildHook(BuildHookInterface):
    """Compiles the library into the wheel's edgernn/kernels/lib/."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See hatchling."""
        if os.environ.get("EDGERNN_BUILD_KERNELS") != "1" or version == "editable":
            return
        sys.path.insert(0, self.root)
        from edgernn.kernels import library_name
        from edgernn.kernels.build import build

        built = Path(self.directory) / "kernels" / library_name()
        build(built, ort_include=os.environ.get("EDGERNN_ORT_INCLUDE"))
        build_data["force_include"][str(built)] = f"edgernn/kernels/lib/{library_name()}"
        build_data["pure_python"] = False
        # The library is of no Python version, but of one system and processor.
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
