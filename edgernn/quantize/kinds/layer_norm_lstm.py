"""Layer-normalised LSTM (Ba et al., 2016), gates i, f, g, o, normalised together.

i, f, g, o = LN(W x; γ_x) + b + LN(R h; γ_h),  c' = σ(f) c + σ(i) tanh(g),  h' = σ(o) tanh(LN(c'; γ_c) + b_c)

P holds γ_x, γ_h and b of the four gates, γ_c and b_c.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.kinds.base import Given, Kind, split
from edgernn.quantize.kinds.normalized import normalize


class _LayerNormLSTM(Kind):
    name = "LayerNormLSTM"
    gates = 4
    states = 2
    vectors = (4, 4, 4, 1, 1)
    gate_names = ("input", "forget", "cell", "output")

    def project(self, body: Body, gates: ir.Value, x: ir.Value, given: Given) -> list[ir.Value]:
        """See `Kind`."""
        return [normalize(body, gates, given.vectors[0], given.vectors[2])]

    def step(
        self, body: Body, now: Sequence[ir.Value], states: Sequence[ir.Value], given: Given
    ) -> list[ir.Value]:
        """See `Kind`."""
        h, c = states
        past = normalize(body, given.times[0](body, h), given.vectors[1])
        i, f, g, o = split(body, body.op("Add", now[0], past), 4)
        kept = body.op("Mul", body.op("Sigmoid", f), c)
        new_c = body.op("Add", kept, body.op("Mul", body.op("Sigmoid", i), body.op("Tanh", g)))
        seen = body.op("Tanh", normalize(body, new_c, *given.vectors[3:]))
        new_h = body.op("Mul", body.op("Sigmoid", o), seen)
        return [new_h, new_h, new_c]


KIND = _LayerNormLSTM()
