"""ONNX's GRU, gates z, r, n; with linear_before_reset the reset gate comes after the product."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.kinds.base import ONNX, Given, Kind


class _GRU(Kind):
    name = "GRU"
    domain = ONNX
    gates = 3
    gate_names = ("update", "reset", "hidden")

    def step(
        self, body: Body, now: Sequence[ir.Value], states: Sequence[ir.Value], given: Given
    ) -> list[ir.Value]:
        """See `Kind`."""
        (h,), (two, one) = states, given.sizes
        zr_x, n_x = body.multi("Split", [now[0], two], 2, axis=-1)
        if given.before_reset:
            zr_h, n_h = body.multi("Split", [given.times[0](body, h), two], 2, axis=-1)
        else:
            zr_h = given.times[0](body, h)
        z, r = body.multi("Split", [body.op("Sigmoid", body.op("Add", zr_x, zr_h)), one], 2, axis=-1)
        n_h = body.op("Mul", r, n_h) if given.before_reset else given.times[1](body, body.op("Mul", r, h))
        n = body.op("Tanh", body.op("Add", n_x, n_h))
        new = body.op("Add", n, body.op("Mul", z, body.op("Sub", h, n)))
        return [new, new]


KIND = _GRU()
