"""What kinds share whose state forgets as much as it takes in: h' = f h + (1 − f) n."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from edgernn.quantize.body import Body


def candidate(body: Body, n: ir.Value, activation: str) -> ir.Value:
    """n, or v + 1/2 for v ≥ 0 and σ(v) for v < 0."""
    if activation == "Identity":
        return n
    above = body.op("GreaterOrEqual", n, body.constant(0, np.float32))
    return body.op("Where", above, body.op("Add", n, body.constant(0.5, np.float32)), body.op("Sigmoid", n))


def mixture(body: Body, f: ir.Value, n: ir.Value) -> list[ir.Value]:
    """f and (1 − f) n, for all steps at once."""
    return [f, body.op("Mul", body.op("Sub", body.constant(1, np.float32), f), n)]


def mixed(body: Body, parts: Sequence[ir.Value], h: ir.Value) -> ir.Value:
    """One step of what `mixture` gave."""
    f, b = parts
    return body.op("Add", body.op("Mul", f, h), b)
