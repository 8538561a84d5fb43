"""SRU (Lei et al., 2018, gates of its first version), gates n, f, r.

c' = σ(f) c + (1 − σ(f)) n,  y = σ(r) g(c') + (1 − σ(r)) x
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.kinds.base import Given, Kind, W, split
from edgernn.quantize.kinds.mixing import mixed, mixture


class SRU(Kind):
    """Input and hidden sizes are the same."""

    name = "SRU"
    gates = 3
    matrices = (W,)
    activations = ("Identity", "Tanh")
    gate_names: ClassVar[tuple[str, ...]] = ("hidden", "forget", "reset")

    def project(self, body: Body, gates: ir.Value, x: ir.Value, given: Given) -> list[ir.Value]:
        """See `Kind`."""
        return self.mix(body, split(body, gates, 3), x)

    def mix(self, body: Body, gates: Sequence[ir.Value], past: ir.Value) -> list[ir.Value]:
        """What needs no state, from the gates and what goes past them."""
        n, f, r = gates
        return [*mixture(body, body.op("Sigmoid", f), n), body.op("Sigmoid", r), past]

    def step(
        self, body: Body, now: Sequence[ir.Value], states: Sequence[ir.Value], given: Given
    ) -> list[ir.Value]:
        """See `Kind`."""
        *parts, r, past = now
        c = mixed(body, parts, states[0])
        new = body.op("Tanh", c) if given.activation == "Tanh" else c
        return [body.op("Add", past, body.op("Mul", r, body.op("Sub", new, past))), c]


KIND = SRU()
