"""How far two files' outputs are apart on the same inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgernn.errors import InputError
from edgernn.quantize.report import OutputError
from edgernn.runtime import Session
from edgernn.runtime.arrays import takes_one_row
from edgernn.runtime.random_inputs import draw_input, fixed_length

_BATCH, _STEPS = 4, 64


def output_error(before: Session, after: Session, data: Sequence[np.ndarray] | None) -> OutputError:
    """Run both on `data`, or on standard normal inputs where there is none.

    Outputs that are integers, such as labels, count only where there are no others.
    """
    if data is None:
        inputs, origin = _standard_normal(before), "standard normal inputs"
    else:
        inputs, origin = list(data), f"given data of shape {tuple(np.shape(data[0]))}"
    if len(inputs) != len(before.inputs):
        raise InputError(f"calibration: {len(inputs)} arrays for {len(before.inputs)} inputs of the model.")
    expected, found = run_file(before, inputs), run_file(after, inputs)
    floats = [n for n, array in enumerate(expected) if array.dtype.kind == "f"]
    if floats:
        expected, found = [expected[n] for n in floats], [found[n] for n in floats]
    differences = [np.abs(a - b) for a, b in zip(expected, found, strict=True)]
    largest = max(float(difference.max()) for difference in differences)
    scale = max(float(np.abs(array).max()) for array in expected) or 1.0
    mean = float(np.mean(np.concatenate([difference.reshape(-1) for difference in differences])))
    return OutputError(origin, largest, mean, largest / scale)


def _standard_normal(session: Session) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    # A stream takes whole hops, and an output comes from each.
    steps = session.manifest.chunk or fixed_length(session.manifest) or _STEPS * session.manifest.hop
    return [draw_input(spec, _BATCH, steps, random) for spec in session.inputs]


def run_file(session: Session, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """All outputs; a streaming file with a fixed chunk is pushed the data chunk by chunk.

    What is no whole chunk or hop at the end is left out. A file that takes one row alone is run on one after
    the other.
    """
    count = inputs[0].shape[0]
    if takes_one_row(session.manifest) and count > 1:
        by_row = [run_file(session, [array[row : row + 1] for array in inputs]) for row in range(count)]
        return [np.concatenate(outputs) for outputs in zip(*by_row, strict=True)]
    chunk = session.manifest.chunk
    dims = [spec.time_dim for spec in session.inputs]
    if not session.manifest.streaming or all(dim is None for dim in dims):
        return _as_list(session.run(*inputs))
    steps = next(array.shape[dim] for array, dim in zip(inputs, dims, strict=True) if dim is not None)
    unit = chunk or session.manifest.hop
    if steps < unit:
        raise InputError(
            f"calibration: {steps} steps, fewer than the model's {'chunk' if chunk else 'hop'} of {unit}."
        )
    if chunk is None:
        whole = steps // unit * unit
        cut = [
            array if dim is None or whole == steps else np.take(array, range(whole), axis=dim)
            for array, dim in zip(inputs, dims, strict=True)
        ]
        return _as_list(session.run(*cut))
    batch_dim = session.inputs[0].dims.index("batch") if "batch" in session.inputs[0].dims else None
    stream = session.stream(1 if batch_dim is None else inputs[0].shape[batch_dim])
    pushes = []
    for start in range(0, steps - chunk + 1, chunk):
        parts = [
            array if dim is None else np.take(array, range(start, start + chunk), axis=dim)
            for array, dim in zip(inputs, dims, strict=True)
        ]
        pushes.append(_as_list(stream.push(*parts)))
    return [
        np.stack(parts) if spec.time_dim is None else np.concatenate(parts, axis=spec.time_dim)
        for spec, parts in zip(session.outputs, zip(*pushes, strict=True), strict=True)
    ]


def _as_list(result: np.ndarray | dict[str, np.ndarray]) -> list[np.ndarray]:
    return list(result.values()) if isinstance(result, dict) else [result]
