"""ONNX's LSTM, gates i, o, f, c; P holds the peepholes of i, o and f."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.kinds.base import ONNX, Given, Kind, split


class _LSTM(Kind):
    name = "LSTM"
    domain = ONNX
    gates = 4
    states = 2
    vectors = (1, 1, 1)
    gate_names = ("input", "output", "forget", "cell")

    def step(
        self, body: Body, now: Sequence[ir.Value], states: Sequence[ir.Value], given: Given
    ) -> list[ir.Value]:
        """See `Kind`."""
        h, c = states
        i, o, f, g = split(body, body.op("Add", now[0], given.times[0](body, h)), 4)
        if given.vectors:
            p_i, p_o, p_f = given.vectors
            i, f = (body.op("Add", gate, body.op("Mul", p, c)) for gate, p in ((i, p_i), (f, p_f)))
        kept = body.op("Mul", body.op("Sigmoid", f), c)
        new_c = body.op("Add", kept, body.op("Mul", body.op("Sigmoid", i), body.op("Tanh", g)))
        if given.vectors:
            o = body.op("Add", o, body.op("Mul", p_o, new_c))
        new_h = body.op("Mul", body.op("Sigmoid", o), body.op("Tanh", new_c))
        return [new_h, new_h, new_c]


KIND = _LSTM()
