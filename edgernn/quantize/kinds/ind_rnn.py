"""IndRNN (Li et al., 2018): h' = f(W x + b + u ⊙ h); P holds u."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.kinds.base import Given, Kind, W


class _IndRNN(Kind):
    name = "IndRNN"
    gates = 1
    matrices = (W,)
    vectors = (1,)
    activations = ("Relu", "Tanh")
    gate_names = ("hidden",)

    def step(
        self, body: Body, now: Sequence[ir.Value], states: Sequence[ir.Value], given: Given
    ) -> list[ir.Value]:
        """See `Kind`."""
        own = body.op("Mul", given.vectors[0], states[0])
        new = body.op(given.activation, body.op("Add", now[0], own))
        return [new, new]


KIND = _IndRNN()
