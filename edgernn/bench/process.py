"""Cold start and memory, measured in fresh processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from edgernn.errors import ModelError


@dataclass(frozen=True)
class ColdStart:
    """What the first output of a new process costs; medians over processes.

    Attributes:
        import_ms: importing onnxruntime and edgernn's runtime, milliseconds.
        load_ms: loading the file.
        first_call_ms: the first call.
        memory_peak_bytes: the most memory that the process had in use; None where the system does not say.
        memory_before_bytes: the same before the file was loaded: Python, numpy and onnxruntime.
        processes: how many were started.
    """

    import_ms: float
    load_ms: float
    first_call_ms: float
    memory_peak_bytes: int | None
    memory_before_bytes: int | None
    processes: int

    @property
    def total_ms(self) -> float:
        """From a running Python to the first output."""
        return self.import_ms + self.load_ms + self.first_call_ms


def cold_start(
    path: str | os.PathLike[str], *, provider: str, threads: int, batch: int, steps: int, processes: int = 3
) -> ColdStart:
    """Start `processes` fresh Pythons in turn, each of which loads the file and calls it.

    Raises ModelError where one fails, with what it said.
    """
    arguments = [str(Path(path).resolve()), provider, *map(str, (threads, batch, steps))]
    runs = [_run_child(arguments) for _ in range(processes)]

    def middle(key: str) -> float:
        return float(median(run[key] for run in runs if run[key] is not None))

    known = all(run["memory_peak_bytes"] is not None for run in runs)
    return ColdStart(
        middle("import_ms"),
        middle("load_ms"),
        middle("first_call_ms"),
        int(middle("memory_peak_bytes")) if known else None,
        int(middle("memory_before_bytes")) if known else None,
        processes,
    )


def _run_child(arguments: list[str]) -> dict[str, float]:
    # The child finds edgernn where this process found it, however that was.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    done = subprocess.run(
        [sys.executable, "-m", "edgernn.bench.child", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise ModelError(f"a fresh process could not run {arguments[0]!r}: {reason[0]}")
    result: dict[str, float] = json.loads(done.stdout)
    return result
