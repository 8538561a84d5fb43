"""ONNX's RNN: h' = f(W x + R h + b)."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.kinds.base import ONNX, Given, Kind


class _RNN(Kind):
    name = "RNN"
    domain = ONNX
    gates = 1
    activations = ("Tanh", "Relu", "Sigmoid")
    gate_names = ("hidden",)

    def is_bounded(self, activation: str) -> bool:
        """See `Kind`."""
        return activation != "Relu"

    def step(
        self, body: Body, now: Sequence[ir.Value], states: Sequence[ir.Value], given: Given
    ) -> list[ir.Value]:
        """See `Kind`."""
        new = body.op(given.activation, body.op("Add", now[0], given.times[0](body, states[0])))
        return [new, new]


KIND = _RNN()
