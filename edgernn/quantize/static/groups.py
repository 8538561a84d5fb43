"""Which tensors share one scale: the same tensor at every step of a cell, and what is only moved."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

import onnx_ir as ir

from edgernn.quantize.static.operators import MOVE, data_inputs

# Nodes of unrolled steps are named LAYER/DIRECTION/step_NUMBER/OPERATOR_PLACE, alike in every step.
_STEP = re.compile(r"(?P<before>.+)/step_\d+/(?P<place>[^/]+)")


class Groups:
    """Disjoint groups of values; every value starts in one of its own."""

    def __init__(self) -> None:
        self._above: dict[ir.Value, ir.Value] = {}

    def of(self, value: ir.Value) -> ir.Value:
        """The value that stands for the group."""
        while value in self._above:
            value = self._above[value]
        return value

    def join(self, first: ir.Value, second: ir.Value) -> None:
        """Make one group of two."""
        first, second = self.of(first), self.of(second)
        if first is not second:
            self._above[second] = first


def group(nodes: Iterable[ir.Node], scaled: Collection[ir.Value]) -> Groups:
    """The groups of the values that `nodes` read and make.

    Args:
        nodes: those that compute on 8-bit tensors.
        scaled: the values that are to have a scale; no other is put in a group.
    """
    groups = Groups()
    places: dict[tuple[str, str, int], ir.Value] = {}
    for node in nodes:
        ends = {("in", index): value for index, value in data_inputs(node)}
        ends |= {("out", index): value for index, value in enumerate(node.outputs)}
        ends = {end: value for end, value in ends.items() if value in scaled}
        found = _STEP.fullmatch(node.name or "")
        if found is not None:
            place = f"{found['before']}/{found['place']}"
            for (side, index), value in ends.items():
                groups.join(places.setdefault((place, side, index), value), value)
        if node.op_type in MOVE:
            first, *others = ends.values()
            for value in others:
                groups.join(first, value)
    return groups
