"""Float32 recurrent operators as functions of the domain `edgernn`, for edgernn's kernels to take over.

Quantized layers are such functions anyway. A float32 layer is an ordinary operator, which every tool knows,
until it is asked for in this form: a function whose body is that operator.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.functions import DOMAIN, Weights, references
from edgernn.quantize.store import Stored, import_domains, replace_recurrent
from edgernn.quantize.weights import RECURRENT, find_recurrent

_SUFFIX = "float32"
_PARTS = ("float",)


def use_functions(model: ir.Model) -> int:
    """Put a function in the place of every RNN, LSTM and GRU node, in place; the number of them."""
    nodes = find_recurrent(model.graph)
    stored: Stored = {
        value: (value,)
        for node in nodes
        for value in node.inputs[1:3]
        if value is not None and value.const_value
    }
    replace_recurrent(model, stored, dict.fromkeys(nodes, (_SUFFIX, _PARTS, _operator)))
    import_domains(model)
    return len(nodes) - len(find_recurrent(model.graph))


def use_operators(model: ir.Model) -> None:
    """The reverse, in place."""
    for node in list(model.graph):
        kind, _, suffix = node.op_type.partition("_")
        if node.domain != DOMAIN or kind not in RECURRENT or suffix.split("_")[0] != _SUFFIX:
            continue
        attributes = list(node.attributes.values())
        new = ir.Node("", kind, node.inputs, attributes, num_outputs=len(node.outputs), name=node.name)
        for old, fresh in zip(node.outputs, new.outputs, strict=True):
            fresh.name, fresh.type, fresh.shape = old.name, old.type, old.shape
        ir.convenience.replace_nodes_and_values(model.graph, node, [node], [new], node.outputs, new.outputs)
        model.functions.pop((DOMAIN, node.op_type, node.overload), None)


def _operator(body: Body, weights: Weights, node: ir.Node) -> Sequence[ir.Value]:
    """The operator itself."""
    inputs = [weights.x, *weights.w, *weights.r, *weights.rest]
    return body.multi(node.op_type, inputs, len(node.outputs), attributes=references(node))
