"""minLSTM (Feng et al., 2024), gates f, i, n: h' = (σ(f) h + σ(i) g(n)) ÷ (σ(f) + σ(i))."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.kinds.base import Given, Kind, W, split
from edgernn.quantize.kinds.mixing import candidate, mixed, mixture


class _MinLSTM(Kind):
    name = "MinLSTM"
    gates = 3
    matrices = (W,)
    activations = ("Identity", "Positive")
    gate_names = ("forget", "input", "hidden")

    def project(self, body: Body, gates: ir.Value, x: ir.Value, given: Given) -> list[ir.Value]:
        """See `Kind`."""
        f, i, n = split(body, gates, 3)
        # log σ(v) = −softplus(−v): the share of f does not divide one vanishing gate by the sum of two.
        f, i = (body.op("Softplus", body.op("Neg", gate)) for gate in (f, i))
        return mixture(body, body.op("Sigmoid", body.op("Sub", i, f)), candidate(body, n, given.activation))

    def step(
        self, body: Body, now: Sequence[ir.Value], states: Sequence[ir.Value], given: Given
    ) -> list[ir.Value]:
        """See `Kind`."""
        new = mixed(body, now, states[0])
        return [new, new]


KIND = _MinLSTM()
