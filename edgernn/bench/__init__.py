"""How fast a file runs: against onnxruntime by hand, the exporter's usual way, torch and the floor.

The names are imported on first use: a process that measures its own cold start must not have started yet.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgernn.bench.measure import bench
    from edgernn.bench.picture import draw_latency
    from edgernn.bench.report import BenchReport
    from edgernn.bench.suite_picture import draw_suite
    from edgernn.bench.suite_report import SuiteReport
    from edgernn.bench.suites import run_suite, suite_names
    from edgernn.bench.table import render

_PUBLIC = {
    "BenchReport": "report",
    "SuiteReport": "suite_report",
    "bench": "measure",
    "draw_latency": "picture",
    "draw_suite": "suite_picture",
    "render": "table",
    "run_suite": "suites",
    "suite_names": "suites",
}

__all__ = [
    "BenchReport",
    "SuiteReport",
    "bench",
    "draw_latency",
    "draw_suite",
    "render",
    "run_suite",
    "suite_names",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)
