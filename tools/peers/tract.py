"""tract, the Rust runtime that streams."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgernn.bench.contenders.base import Contender

PACKAGES = ("tract",)


def make(file: Path, state_shapes: Sequence[tuple[int, ...]], threads: int) -> Contender:
    """The file in tract, optimised; it runs on one thread whatever is asked for."""
    import tract

    runnable = tract.onnx().load(str(file)).into_model().into_runnable().spawn_state()
    initial = [np.zeros(shape, np.float32) for shape in state_shapes]
    states = list(initial)

    def call(x: np.ndarray) -> list[np.ndarray]:
        results = [tensor.to_numpy() for tensor in runnable.run([x, *states])]
        states[:] = results[1:]
        return results

    def reset() -> None:
        states[:] = initial

    return Contender("tract", f"tract {tract.version()}", call, lambda r: [r[0]], reset)
