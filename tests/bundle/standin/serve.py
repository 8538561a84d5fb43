"""Runs what OrtSession.java asks for: a model, then calls, in Java's DataOutputStream format."""

from __future__ import annotations

import struct
import sys

import numpy as np
import onnxruntime

TYPES = {
    "FLOAT": "float32", "DOUBLE": "float64", "INT8": "int8", "INT16": "int16", "INT32": "int32",
    "INT64": "int64", "BOOL": "bool", "UINT8": "uint8",
}  # fmt: skip
NAMES = {dtype: name for name, dtype in TYPES.items()}
source, target = sys.stdin.buffer, sys.stdout.buffer


def number(form: str = ">i") -> int:
    """The next number; ends the program at the end of the input."""
    data = source.read(struct.calcsize(form))
    if not data:
        sys.exit(0)
    (value,) = struct.unpack(form, data)
    return int(value)


def block() -> bytes:
    """The next bytes, behind their count."""
    return source.read(number())


session = onnxruntime.InferenceSession(block())
while True:
    feed = {}
    for _ in range(number()):
        name, dtype = block().decode(), TYPES[block().decode()]
        shape = [number(">q") for _ in range(number())]
        feed[name] = np.frombuffer(block(), dtype).reshape(shape)
    for array in session.run([block().decode() for _ in range(number())], feed):
        kind, data = NAMES[str(array.dtype)].encode(), array.tobytes()
        target.write(struct.pack(">i", len(kind)) + kind)
        target.write(struct.pack(f">i{array.ndim}q", array.ndim, *array.shape))
        target.write(struct.pack(">i", len(data)) + data)
    target.flush()
