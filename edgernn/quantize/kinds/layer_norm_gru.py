"""Layer-normalised GRU (Ba et al., 2016), gates z, r, n: z and r are normalised together, n alone.

z, r = σ(LN(W x; γ_x) + b + LN(R h; γ_h)),  n = tanh(LN(W x; γ_x) + b + r ⊙ (LN(R h; γ_h) + b_hn)),
h' = h + z ⊙ (n − h)

P holds γ_x, γ_h and b of the three gates, and b_hn.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.kinds.base import Given, Kind, split
from edgernn.quantize.kinds.normalized import normalize


class _LayerNormGRU(Kind):
    name = "LayerNormGRU"
    gates = 3
    vectors = (2, 1, 2, 1, 2, 1, 1)
    gate_names = ("update", "reset", "hidden")

    def project(self, body: Body, gates: ir.Value, x: ir.Value, given: Given) -> list[ir.Value]:
        """See `Kind`."""
        p = given.vectors
        zr, n = body.multi("Split", [gates, given.sizes[0]], 2, axis=-1)
        return [normalize(body, zr, p[0], p[4]), normalize(body, n, p[1], p[5])]

    def step(
        self, body: Body, now: Sequence[ir.Value], states: Sequence[ir.Value], given: Given
    ) -> list[ir.Value]:
        """See `Kind`."""
        (h,), (zr_x, n_x), p = states, now, given.vectors
        zr_h, n_h = body.multi("Split", [given.times[0](body, h), given.sizes[0]], 2, axis=-1)
        gates = body.op("Sigmoid", body.op("Add", zr_x, normalize(body, zr_h, p[2])))
        z, r = split(body, gates, 2)
        past = body.op("Mul", r, normalize(body, n_h, p[3], p[6]))
        n = body.op("Tanh", body.op("Add", n_x, past))
        new = body.op("Add", h, body.op("Mul", z, body.op("Sub", n, h)))
        return [new, new]


KIND = _LayerNormGRU()
