"""LSTM with a recurrent projection (Sak et al., 2014), gates i, f, g, o: h' = V (σ(o) tanh(c')).

c has more units than h, which leaves [-1, 1]. What is projected does not, but is often far smaller: it is
rounded in its own range too.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.kinds.base import Given, Kind, R, V, W, split


class _ProjectedLSTM(Kind):
    name = "ProjectedLSTM"
    gates = 4
    matrices = (W, R, V)
    states = 2
    gate_names = ("input", "forget", "cell", "output")

    def is_bounded(self, activation: str) -> bool:
        """See `Kind`."""
        return False

    def step(
        self, body: Body, now: Sequence[ir.Value], states: Sequence[ir.Value], given: Given
    ) -> list[ir.Value]:
        """See `Kind`."""
        h, c = states
        assert given.project is not None
        i, f, g, o = split(body, body.op("Add", now[0], given.times[0](body, h)), 4)
        kept = body.op("Mul", body.op("Sigmoid", f), c)
        new_c = body.op("Add", kept, body.op("Mul", body.op("Sigmoid", i), body.op("Tanh", g)))
        new_h = given.project(body, body.op("Mul", body.op("Sigmoid", o), body.op("Tanh", new_c)))
        return [new_h, new_h, new_c]


KIND = _ProjectedLSTM()
