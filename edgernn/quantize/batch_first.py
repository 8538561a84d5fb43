"""The transposes around a recurrent layer as a part of its function.

Users' arrays have the batch first, ONNX's recurrent operators time: a layer stands between a Transpose on one
side and a Squeeze and a Transpose on the other. In the function they are three nodes less that a runtime with
a kernel of its name has to call, and one without it inlines the same nodes as before. Attributes of the call
tell a kernel which of them its body has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.functions import Weights, WriteBody

X, Y = "x_batch_first", "y_batch_first"
_PERM = (1, 0, 2)


@dataclass(frozen=True)
class Around:
    """What stands around a recurrent node and serves it alone.

    Attributes:
        before: the Transpose that gives X.
        after: the Squeeze and the Transpose that Y goes through.
    """

    before: ir.Node | None
    after: tuple[ir.Node, ir.Node] | None

    @classmethod
    def of(cls, node: ir.Node) -> Around:
        """Around that node; None where there is something else."""
        (x, y), before = (node.inputs[0], node.outputs[0]), None
        if x is not None and _turns(x.producer()):
            before = x.producer()
        squeeze = _only_reader(y)
        turn = _only_reader(squeeze.outputs[0]) if squeeze is not None and _drops_direction(squeeze) else None
        return cls(
            before, (squeeze, turn) if squeeze is not None and turn is not None and _turns(turn) else None
        )

    @property
    def attributes(self) -> list[ir.Attr]:
        """Those of the call."""
        names = [X] * (self.before is not None) + [Y] * (self.after is not None)
        return [ir.AttrInt64(name, 1) for name in names]

    def wrap(self, write: WriteBody) -> WriteBody:
        """The body with these nodes in it."""

        def wrapped(body: Body, weights: Weights, node: ir.Node) -> Sequence[ir.Value]:
            if self.before is not None:
                weights = replace(weights, x=body.op("Transpose", weights.x, perm=list(_PERM)))
            outputs = list(write(body, weights, node))
            if self.after is not None:
                flat = body.op("Squeeze", outputs[0], body.integers(1))
                outputs[0] = body.op("Transpose", flat, perm=list(_PERM))
            return outputs

        return wrapped


def take_out(graph: ir.Graph, node: ir.Node) -> None:
    """Put the nodes that a call has in its body around it again, in place, and drop the attributes."""
    if node.attributes.pop(X, None) is not None:
        turn = ir.Node("", "Transpose", [node.inputs[0]], [ir.AttrInt64s("perm", _PERM)])
        turn.outputs[0].name = f"{node.name}_time_first"
        node.replace_input_with(0, turn.outputs[0])
        graph.insert_before(node, turn)
    if node.attributes.pop(Y, None) is None:
        return
    old = node.outputs[0]
    name = f"{node.name}_direction"
    axes = ir.val(name, const_value=ir.tensor([1], dtype=ir.DataType.INT64, name=name))
    graph.register_initializer(axes)
    flat = ir.Node("", "Squeeze", [None, axes])
    turn = ir.Node("", "Transpose", [flat.outputs[0]], [ir.AttrInt64s("perm", _PERM)])
    flat.outputs[0].name = f"{node.name}_squeezed"
    graph.insert_after(node, [flat, turn])
    ir.convenience.replace_all_uses_with(old, turn.outputs[0], replace_graph_outputs=True)
    turn.outputs[0].name, turn.outputs[0].type, turn.outputs[0].shape = old.name, old.type, old.shape
    old.name, old.shape = f"{node.name}_all", None
    flat.replace_input_with(0, old)


def _only_reader(value: ir.Value) -> ir.Node | None:
    readers = value.uses()
    return readers[0].node if len(readers) == 1 and not value.is_graph_output() else None


def _turns(node: ir.Node | None) -> bool:
    if node is None or node.op_type != "Transpose" or node.domain:
        return False
    perm = node.attributes.get("perm")
    return perm is not None and tuple(perm.as_ints()) == _PERM


def _drops_direction(node: ir.Node) -> bool:
    axes = node.inputs[1] if len(node.inputs) > 1 else None
    found = None if axes is None or axes.const_value is None else axes.const_value.numpy().tolist()
    return node.op_type == "Squeeze" and not node.domain and found == [1]
