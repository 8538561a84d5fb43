"""What a measurement was made on: times without it mean nothing."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def describe_machine() -> dict[str, str]:
    """Processor, cores, system and versions, for a report."""
    import numpy
    import onnxruntime

    return {
        "processor": _processor(),
        "cores": str(os.cpu_count() or "unknown"),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
        "numpy": numpy.__version__,
    }


def _processor() -> str:
    # platform.processor() is empty on most Linux systems.
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("model name", "Model", "Hardware") and value.strip():
                return value.strip()
    return platform.processor() or platform.machine()
