"""minGRU (Feng et al., 2024), gates z, n: h' = (1 − σ(z)) h + σ(z) g(n)."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.kinds.base import Given, Kind, W, split
from edgernn.quantize.kinds.mixing import candidate, mixed, mixture


class _MinGRU(Kind):
    name = "MinGRU"
    gates = 2
    matrices = (W,)
    activations = ("Identity", "Positive")
    gate_names = ("update", "hidden")

    def project(self, body: Body, gates: ir.Value, x: ir.Value, given: Given) -> list[ir.Value]:
        """See `Kind`."""
        z, n = split(body, gates, 2)
        return mixture(body, body.op("Sigmoid", body.op("Neg", z)), candidate(body, n, given.activation))

    def step(
        self, body: Body, now: Sequence[ir.Value], states: Sequence[ir.Value], given: Given
    ) -> list[ir.Value]:
        """See `Kind`."""
        new = mixed(body, now, states[0])
        return [new, new]


KIND = _MinGRU()
