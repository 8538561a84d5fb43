"""SRU whose input and hidden sizes differ: what goes past the gates is the fourth block, W_x x."""

from __future__ import annotations

import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.kinds.base import Given, split
from edgernn.quantize.kinds.sru import SRU


class _ProjectedSRU(SRU):
    name = "ProjectedSRU"
    gates = 4
    gate_names = (*SRU.gate_names, "past")

    def project(self, body: Body, gates: ir.Value, x: ir.Value, given: Given) -> list[ir.Value]:
        """See `Kind`."""
        *of_gates, past = split(body, gates, 4)
        return self.mix(body, of_gates, past)


KIND = _ProjectedSRU()
