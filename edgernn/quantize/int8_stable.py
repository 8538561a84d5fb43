"""int8-stable: weights and what they are multiplied with in 8 bits, with the same result however it is cut.

Recurrent layers, linear layers and the products of any cell multiply integers (see `stable.py`), so that a
stream gives what the whole sequence gives, whatever its chunks, its batch and the number of threads.
Convolutions and embeddings are stored in 8 bits and computed in float32; behind a convolution a stream may
differ from the sequence by single steps of rounding, because onnxruntime adds float32 products in another
order.
"""

from __future__ import annotations

import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.functions import DOMAIN, folded, make_function
from edgernn.quantize.int8 import Int8
from edgernn.quantize.layer import find_layer
from edgernn.quantize.report import TensorReport
from edgernn.quantize.request import Request
from edgernn.quantize.stable import StableProducts, product
from edgernn.quantize.store import Stored, replace_recurrent, store_weights, widen_the_rest
from edgernn.quantize.weights import find_recurrent, find_weights

NAME = "int8-stable"
_SUFFIX = "int8_stable"


class _Multiplied(Int8):
    """Stored as int8's are, for being multiplied as integers."""

    name = NAME


def apply(model: ir.Model, request: Request) -> list[TensorReport]:
    """Quantize a model in place; tells of every weight what was done."""
    graph = model.graph
    widened, multiplied = Int8(), _Multiplied()
    bodies, exact = {}, set()
    for node in find_recurrent(graph):
        layer = find_layer(node, StableProducts())
        if layer is None:
            bodies[node] = (widened.kind, widened.parts, folded(widened.kind))
        else:
            bodies[node] = (_SUFFIX + layer.suffix, multiplied.parts, layer.write)
            exact.add(node)
    weights = list(find_weights(graph, request))
    integer = {
        weight.value
        for weight in weights
        if all(node in exact or _multiplies(node, weight.value) for node in weight.readers)
    }
    reports, stored, storages = store_weights(
        graph, weights, lambda weight: multiplied if weight.value in integer else widened
    )
    replace_recurrent(model, stored, bodies)
    for weight in weights:
        if weight.value in integer & stored.keys():
            for node in weight.readers:
                if node not in exact:
                    _replace_product(model, node, weight.value, stored)
    widen_the_rest(model, stored, storages)
    return reports


def _multiplies(node: ir.Node, value: ir.Value) -> bool:
    """Whether a node is the product of something with a weight, and perhaps a bias."""
    if node.domain or len(node.inputs) < 2 or node.inputs[1] is not value or node.inputs[0] is value:
        return False
    if node.op_type == "Gemm":
        ones = all(
            node.attributes[name].as_float() == 1 for name in ("alpha", "beta") if name in node.attributes
        )
        return ones and not ("transA" in node.attributes and node.attributes["transA"].as_int())
    return node.op_type == "MatMul"


def _replace_product(model: ir.Model, node: ir.Node, weight: ir.Value, stored: Stored) -> None:
    """A call of the product's function in the place of a MatMul or a Gemm."""
    transposed = "transB" in node.attributes and bool(node.attributes["transB"].as_int())
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    function = _product_function(transposed, bias is not None, model.opset_imports[""])
    model.functions.setdefault(function.identifier(), function)
    inputs = [node.inputs[0], *stored[weight], *([] if bias is None else [bias])]
    new = ir.Node(DOMAIN, function.name, inputs, name=node.name)
    new.outputs[0].type, new.outputs[0].shape = node.outputs[0].type, node.outputs[0].shape
    graph = node.graph
    assert graph is not None
    ir.convenience.replace_nodes_and_values(graph, node, [node], [new], node.outputs, new.outputs)


def _product_function(transposed: bool, with_bias: bool, opset: int) -> ir.Function:
    """x (…, K), integers (K, N) or transposed, their scales, perhaps a bias → (…, N)."""
    body = Body()
    x, integers, scales, bias = (ir.val(name) for name in ("x", "int8", "scale", "bias"))
    matrix = body.op("Transpose", integers, perm=[1, 0]) if transposed else integers
    y = product(body, x, matrix, body.op("Reshape", scales, body.integers(-1)))
    if with_bias:
        y = body.op("Add", y, bias)
    name = "Gemm" if with_bias else "MatMul"
    name += f"_{_SUFFIX}" + ("_transposed" if transposed else "")
    return make_function(name, [x, integers, scales, *([bias] if with_bias else [])], [y], body, opset)
