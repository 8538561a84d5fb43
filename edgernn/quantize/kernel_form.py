"""Recurrent nodes as functions of the domain `edgernn`, for edgernn's kernels to take over.

Quantized layers are such functions anyway. A float32 layer is an ordinary operator, which every tool knows,
until it is asked for in this form: a function whose body is that operator; or, of a cell that ONNX has no
operator for, its step in a Scan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import onnx_ir as ir

from edgernn.quantize.batch_first import take_out
from edgernn.quantize.body import Body
from edgernn.quantize.functions import DOMAIN, Weights, WriteBody, folded, references, widen
from edgernn.quantize.kinds import is_own, kinds, matrices_of
from edgernn.quantize.layer import FloatProducts, find_layer
from edgernn.quantize.store import Stored, import_domains, replace_recurrent
from edgernn.quantize.weights import find_recurrent

_SUFFIX = "float32"
_PARTS = ("float",)


def use_functions(model: ir.Model) -> int:
    """Put a function in the place of every recurrent node whose weights are constants, in place.

    Returns:
        The number of them.
    """
    return _replace(model, lambda node: all(value.const_value for value in matrices_of(node)))


def use_functions_for_own(model: ir.Model) -> None:
    """The same for every node that only edgernn names, which nothing else can run, and for no other."""
    _replace(model, is_own)


def _replace(model: ir.Model, takes: Callable[[ir.Node], bool]) -> int:
    nodes = [node for node in find_recurrent(model.graph) if takes(node)]
    stored: Stored = {value: (value,) for node in nodes for value in matrices_of(node)}
    bodies = {node: _float32_body(node) for node in nodes}
    replace_recurrent(
        model, stored, {node: (suffix, _PARTS, body) for node, (suffix, body) in bodies.items()}
    )
    import_domains(model)
    return len(nodes)


def _float32_body(node: ir.Node) -> tuple[str, WriteBody]:
    if not is_own(node):
        return _SUFFIX, _operator
    suffix, write = own_body(node, None)
    return _SUFFIX + suffix, write


def own_body(node: ir.Node, storage: str | None) -> tuple[str, WriteBody]:
    """What ends the name of a function that only edgernn names, and its body: the step in float32.

    Args:
        node: of a kind of edgernn.
        storage: what `functions.widen` calls the weights' storage; None for float32 ones.
    """
    layer = find_layer(node, FloatProducts())
    assert layer is not None, "edgernn wrote the node"

    def write(body: Body, weights: Weights, node: ir.Node) -> Sequence[ir.Value]:
        matrices = weights.matrices
        if storage is not None:
            matrices = tuple((widen(body, storage, parts),) for parts in matrices)
        return layer.write(body, Weights(weights.x, matrices, weights.rest), node)

    return layer.suffix, write


def folded_body(node: ir.Node, storage: str) -> tuple[str, WriteBody]:
    """What ends the name of a function of widened weights, and its body, for any recurrent node."""
    return own_body(node, storage) if is_own(node) else ("", folded(storage))


def use_operators(model: ir.Model) -> None:
    """The reverse, in place; of cells without an operator come nodes that only edgernn names."""
    for node in list(model.graph):
        name, _, suffix = node.op_type.partition("_")
        kind = kinds().get(name)
        if node.domain != DOMAIN or kind is None or suffix.split("_")[0] != _SUFFIX:
            continue
        count = len(kind.matrices)
        x, matrices, rest = node.inputs[0], node.inputs[1 : 1 + count], node.inputs[1 + count :]
        inputs: list[ir.Value | None] = [x, *[None] * 2, *rest]
        for index, value in zip(kind.matrices, matrices, strict=True):
            inputs += [None] * (index + 1 - len(inputs))
            inputs[index] = value
        attributes = list(node.attributes.values())
        new = ir.Node(kind.domain, name, inputs, attributes, num_outputs=len(node.outputs), name=node.name)
        for old, fresh in zip(node.outputs, new.outputs, strict=True):
            fresh.name, fresh.type, fresh.shape = old.name, old.type, old.shape
        ir.convenience.replace_nodes_and_values(model.graph, node, [node], [new], node.outputs, new.outputs)
        model.functions.pop((DOMAIN, node.op_type, node.overload), None)
        take_out(model.graph, new)


def _operator(body: Body, weights: Weights, node: ir.Node) -> Sequence[ir.Value]:
    """The operator itself."""
    inputs = [weights.x, *weights.w, *weights.r, *weights.rest]
    return body.multi(node.op_type, inputs, len(node.outputs), attributes=references(node))
