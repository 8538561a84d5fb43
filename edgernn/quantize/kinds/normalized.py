"""Layer normalisation within a body."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from edgernn.quantize.body import Body

_EPSILON = 1e-5


def normalize(
    body: Body, v: ir.Value, gains: Sequence[ir.Value], shifts: Sequence[ir.Value] = ()
) -> ir.Value:
    """LN(v; gain) + shift over the last dimension; gain and shift are given part by part.

    The mean is taken off beforehand: onnxruntime subtracts it from sums over the whole row, and where a row
    strays little from its mean not much is left of them.
    """
    centred = body.op("Sub", v, body.op("ReduceMean", v, body.integers(-1)))
    gain, *shift = (_joined(body, parts) for parts in (gains, shifts) if parts)
    return body.op("LayerNormalization", centred, gain, *shift, epsilon=_EPSILON)


def _joined(body: Body, parts: Sequence[ir.Value]) -> ir.Value:
    return parts[0] if len(parts) == 1 else body.op("Concat", *parts, axis=0)
