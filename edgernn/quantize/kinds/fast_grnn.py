"""FastGRNN (Kusupati et al., 2018): m = W x + R h, z = σ(m + b_z), h' = (ζ (1 − z) + ν) tanh(m + b_n) + z h.

P holds b_z, b_n, and ζ and ν for every unit. States may leave [-1, 1]: with z near 1 they add up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.kinds.base import Given, Kind


class _FastGRNN(Kind):
    name = "FastGRNN"
    gates = 1
    vectors = (1, 1, 1, 1)
    gate_names = ("hidden",)

    def is_bounded(self, activation: str) -> bool:
        """See `Kind`."""
        return False

    def step(
        self, body: Body, now: Sequence[ir.Value], states: Sequence[ir.Value], given: Given
    ) -> list[ir.Value]:
        """See `Kind`."""
        (h,), (b_z, b_n, zeta, nu) = states, given.vectors
        m = body.op("Add", now[0], given.times[0](body, h))
        z = body.op("Sigmoid", body.op("Add", m, b_z))
        n = body.op("Tanh", body.op("Add", m, b_n))
        rest = body.op("Sub", body.constant(1, np.float32), z)
        share = body.op("Add", body.op("Mul", zeta, rest), nu)
        new = body.op("Add", body.op("Mul", share, n), body.op("Mul", z, h))
        return [new, new]


KIND = _FastGRNN()
