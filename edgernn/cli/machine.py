"""What of this machine matters for the speed of small recurrent networks."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

# Instructions that kernels choose between: vectors of floats, dot products of int8.
_RELEVANT = (
    "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16",
    "asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2",
)  # fmt: skip


def describe() -> dict[str, str]:
    """System, processor, instructions and threads."""
    return {
        "system": platform.platform(terse=True),
        "processor": _processor(),
        "instructions": ", ".join(_instructions()) or "unknown",
        "cores for this process": str(_usable_cores()),
    }


def _cpuinfo() -> dict[str, str]:
    """The first processor's entry in Linux's list; empty elsewhere."""
    file = Path("/proc/cpuinfo")
    if not file.exists():
        return {}
    first = file.read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _processor() -> str:
    found = _cpuinfo().get("model name") or _sysctl("machdep.cpu.brand_string")
    return found or platform.processor() or platform.machine()


def _instructions() -> list[str]:
    information = _cpuinfo()
    flags = information.get("flags") or information.get("Features") or ""
    if not flags and platform.system() == "Darwin":
        flags = _sysctl("machdep.cpu.features") + " " + _sysctl("machdep.cpu.leaf7_features")
        if platform.machine() == "arm64":
            flags += " asimd asimdhp asimddp"  # on every Apple processor of this architecture
    have = set(flags.lower().split())
    return [name for name in _RELEVANT if name in have]


def _sysctl(name: str) -> str:
    """A value of macOS's system table; empty where there is none."""
    if platform.system() != "Darwin":
        return ""
    result = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, check=False)
    return result.stdout.strip()


def _usable_cores() -> int:
    # A container or taskset may leave a process fewer cores than the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
