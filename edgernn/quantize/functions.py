"""Model-local ONNX functions of the domain `edgernn`: what quantized layers are called and stand for.

A runtime that has a kernel of the same domain and name runs that; any other inlines the body, which is plain
ONNX. The bodies widen weights by Cast and Mul, which onnxruntime folds when it loads the file, and which
DequantizeLinear, measured 2.4 × slower, is not.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

DOMAIN = "edgernn"
VERSION = 1


def recurrent_function(node: ir.Node, suffix: str, opset: int) -> ir.Function:
    """The function of a recurrent node with int8 weights.

    Inputs: X, W, W_scale, R, R_scale, then what the node has beyond X, W and R (B, sequence_lens,
    initial_h, …). Outputs and attributes are the node's.
    """
    rest = [ir.val(f"rest_{index}") for index in range(len(node.inputs) - 3)]
    x, w, w_scale, r, r_scale = (ir.val(name) for name in ("X", "W", "W_scale", "R", "R_scale"))
    nodes: list[ir.Node] = []
    wide = [_widen(nodes, integers, scales) for integers, scales in ((w, w_scale), (r, r_scale))]
    given = [inner if outer is not None else None for inner, outer in zip(rest, node.inputs[3:], strict=True)]
    attributes = [ir.RefAttr(name, name, attribute.type) for name, attribute in node.attributes.items()]
    body = ir.Node("", node.op_type, [x, *wide, *given], attributes=attributes, num_outputs=len(node.outputs))
    for index, value in enumerate(body.outputs):
        value.name = f"Y_{index}"
    nodes.append(body)
    graph = ir.Graph(
        [x, w, w_scale, r, r_scale, *rest],
        list(body.outputs),
        nodes=nodes,
        opset_imports={"": opset},
        name=f"{node.op_type}_{suffix}",
    )
    # Which inputs are there differs from node to node; functions of one name must have one body.
    present = "".join("x" if value is not None else "_" for value in node.inputs[3:])
    name = f"{node.op_type}_{suffix}" + (f"_{len(node.outputs)}{present}" if "_" in present else "")
    declared = [ir.Attr(name, attribute.type, None) for name, attribute in node.attributes.items()]
    return ir.Function(DOMAIN, name, graph=graph, attributes=declared)


def widen_function(suffix: str, opset: int) -> ir.Function:
    """integers, scales → float32 weights: for weights that several nodes read, or nodes within bodies."""
    integers, scales = ir.val("integers"), ir.val("scales")
    nodes: list[ir.Node] = []
    wide = _widen(nodes, integers, scales)
    graph = ir.Graph(
        [integers, scales], [wide], nodes=nodes, opset_imports={"": opset}, name=f"Weight_{suffix}"
    )
    return ir.Function(DOMAIN, f"Weight_{suffix}", graph=graph, attributes=())


def _widen(nodes: list[ir.Node], integers: ir.Value, scales: ir.Value) -> ir.Value:
    cast = ir.node("Cast", [integers], {"to": ir.DataType.FLOAT})
    wide = ir.node("Mul", [cast.outputs[0], scales])
    cast.outputs[0].name = f"{integers.name}_cast"
    wide.outputs[0].name = f"{integers.name}_wide"
    nodes.extend([cast, wide])
    return wide.outputs[0]


def call(function: ir.Function, inputs: Sequence[ir.Value | None], like: ir.Node) -> ir.Node:
    """A node that calls a function in the place of `like`."""
    return ir.Node(
        DOMAIN,
        function.name,
        inputs,
        attributes=list(like.attributes.values()),
        num_outputs=len(like.outputs),
        name=like.name,
    )


def inline(model: ir.Model) -> None:
    """Replace every call of a function by its body, for runtimes that know no functions; in place."""
    from onnx_ir.passes.common import InlinePass

    InlinePass()(model)
