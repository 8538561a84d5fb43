"""A fresh process that starts onnxruntime, loads a file and makes one call, and says what that cost.

`edgernn.bench.process` runs it: `python -m edgernn.bench.child PATH PROVIDER THREADS BATCH STEPS` writes one
JSON object to standard output.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def peak_memory() -> int | None:
    """The most bytes of memory that this process has had in use; None where the system does not say.

    On Linux from /proc: what getrusage gives there includes the parent, from before the program was started.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "darwin":
        import resource

        return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return None


def main(path: str, provider: str, threads: int, batch: int, steps: int) -> dict[str, float | int | None]:
    """Start, load, call once; milliseconds and bytes."""
    began = time.perf_counter()
    import onnxruntime  # noqa: F401 - the import is what is measured

    from edgernn.runtime import load

    imported, empty = time.perf_counter(), peak_memory()
    session = load(path, provider=provider, threads=threads)
    loaded = time.perf_counter()
    import numpy as np

    from edgernn.bench.inputs import draw_inputs

    inputs = draw_inputs(session.manifest, batch, steps, np.random.default_rng(0))
    call = session.stream(batch).push if session.manifest.streaming else session.run
    ready = time.perf_counter()
    call(*inputs)
    done = time.perf_counter()
    for _ in range(10):
        call(*inputs)
    return {
        "import_ms": 1e3 * (imported - began),
        "load_ms": 1e3 * (loaded - imported),
        "first_call_ms": 1e3 * (done - ready),
        "memory_before_bytes": empty,
        "memory_peak_bytes": peak_memory(),
    }


if __name__ == "__main__":
    file, provider_name, *numbers = sys.argv[1:]
    json.dump(main(file, provider_name, *map(int, numbers)), sys.stdout)
