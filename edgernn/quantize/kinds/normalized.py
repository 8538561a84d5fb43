"""Layer normalisation within a body."""

from __future__ import annotations

import onnx_ir as ir

from edgernn.quantize.body import Body

_EPSILON = 1e-5


def normalize(body: Body, v: ir.Value, gain: ir.Value, *shift: ir.Value) -> ir.Value:
    """LN(v; gain) + shift over the last dimension.

    The mean is taken off beforehand: onnxruntime subtracts it from sums over the whole row, and where a row
    strays little from its mean not much is left of them.
    """
    centred = body.op("Sub", v, body.op("ReduceMean", v, body.integers(-1)))
    return body.op("LayerNormalization", centred, gain, *shift, epsilon=_EPSILON)
