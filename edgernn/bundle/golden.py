"""Golden vectors: what an app must compute, made by edgernn's own runtime.

One list of calls drives every target: two streams in turns, chunks of random length, resets, a snapshot of
one stream restored into the other. Arrays are flat, in row-major order.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from edgernn.bundle.describe import Description
from edgernn.errors import ModelError
from edgernn.runtime import Session, Stream
from edgernn.runtime.arrays import Array
from edgernn.runtime.random_inputs import draw_input

# What happens to which stream.
_SCHEDULE = (
    ("push", 0), ("push", 1), ("push", 0), ("push", 0), ("push", 1), ("snapshot", 0), ("push", 0),
    ("push", 1), ("restore", 1), ("push", 1), ("push", 0), ("reset", 0), ("push", 0), ("push", 1),
    ("push", 0), ("push", 0),
)  # fmt: skip
# A push of free length has up to so many times the hop's steps.
_LONGEST = 4


def snapshot_bytes(stream: Stream, sha256: str) -> bytes:
    """A stream's states as apps keep them: the model's digest, then each state's elements, little-endian."""
    states = stream.states.values()
    body = b"".join(array.astype(array.dtype.newbyteorder("<")).tobytes() for array in states)
    return bytes.fromhex(sha256) + body


def golden_vectors(session: Session, description: Description, seed: int = 0) -> dict[str, Any]:
    """The calls with their inputs and outputs, as JSON takes them.

    Raises ModelError where the model gives NaN or infinity.
    """
    random = np.random.default_rng(seed)
    streams = (session.stream(), session.stream())
    kept = None
    calls: list[dict[str, Any]] = []
    seen: list[list[Array]] = [[] for _ in session.outputs]
    for op, number in _SCHEDULE:
        stream, call = streams[number], {"stream": number, "op": op}
        if op == "reset":
            stream.reset()
        elif op == "snapshot":
            kept = stream.snapshot()
        elif op == "restore":
            assert kept is not None
            stream.restore(kept)
        else:
            steps = description.chunk or description.hop * int(random.integers(1, _LONGEST + 1))
            inputs = [draw_input(spec, 1, steps, random) for spec in session.inputs]
            result = stream.push(*inputs)
            outputs = list(result.values()) if isinstance(result, dict) else [result]
            for found, array in zip(seen, outputs, strict=True):
                found.append(array.reshape(-1))
            call |= {
                "steps": steps,
                "inputs": [_flat(x) for x in inputs],
                "outputs": [_flat(y) for y in outputs],
            }
        calls.append(call)
    allowed = [
        _allowed(np.concatenate(found), spec.name, description.scheme)
        for found, spec in zip(seen, session.outputs, strict=True)
    ]
    return {
        "format": 1,
        "model": description.sha256,
        "streams": len(streams),
        "allowed": allowed,
        "calls": calls,
    }


def _allowed(values: Array, name: str, scheme: str) -> float:
    """The largest difference that another machine may show."""
    # Their package needs torch, which checking a bundle's signature does without.
    from edgernn.verify.report import output_scale
    from edgernn.verify.tolerances import device_tolerance

    if values.dtype.kind != "f":
        return 0.0
    if not np.isfinite(values).all():
        raise ModelError(
            f"output {name!r} holds NaN or infinity for random inputs, which no app can be checked with. "
            "Export a model that stays finite, e.g. with a clamp in front of a logarithm."
        )
    return device_tolerance("float32", scheme) * output_scale(values)


def _flat(array: Array) -> list[float | int]:
    """Values as JSON has them: of float32 the shortest decimal that reads back as the same number."""
    flat = array.reshape(-1)
    if flat.dtype == np.float32:
        return [float(str(value)) for value in flat]
    if flat.dtype.kind == "b":
        return [int(value) for value in flat]
    return list(flat.tolist())


def digest(data: bytes) -> str:
    """SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
