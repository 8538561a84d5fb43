"""tract, the Rust runtime that streams."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgernn.bench.contenders.base import Contender
from peers import CarriedStates

PACKAGES = ("tract",)


def make(file: Path, state_shapes: Sequence[tuple[int, ...]], threads: int) -> Contender:
    """The file in tract, optimised; it runs on one thread whatever is asked for."""
    import tract

    runnable = tract.onnx().load(str(file)).into_model().into_runnable().spawn_state()
    states = CarriedStates(state_shapes)

    def call(x: np.ndarray) -> list[np.ndarray]:
        results = [tensor.to_numpy() for tensor in runnable.run([x, *states.arrays])]
        states.arrays = results[1:]
        return results

    return Contender("tract", f"tract {tract.version()}", call, lambda r: [r[0]], states.reset)
