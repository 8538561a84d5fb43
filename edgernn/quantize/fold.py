"""Weights that reach a recurrent node through other nodes are made initializers, where schemes find them."""

from __future__ import annotations

import os

import onnx_ir as ir

from edgernn.quantize.compact import restore
from edgernn.quantize.compact.low_rank import LOW_RANK
from edgernn.quantize.kernel_form import use_operators
from edgernn.quantize.weights import find_recurrent


def load_folded(path: str | os.PathLike[str], *, factors: bool = False) -> ir.Model:
    """The model of a float32 file: ordinary operators, recurrent weights initializers.

    With `factors` weights of low rank are two.
    """
    model = ir.load(path)
    use_operators(model)
    restore(model, factors=not factors)
    fold_weights(model)
    return model


def fold_weights(model: ir.Model) -> None:
    """Compute, in place, what W, R and B of recurrent nodes are computed of where that is constant."""
    if any(_is_computed(value) for node in find_recurrent(model.graph) for value in node.inputs[1:4]):
        from onnxscript.optimizer import fold_constants

        any_size = 2**31
        fold_constants(model, input_size_limit=any_size, output_size_limit=any_size)
        for node in list(model.graph):
            if node.op_type == "Constant" and not node.domain:
                _lift(model.graph, node)


def _is_computed(value: ir.Value | None) -> bool:
    """Whether nodes give it; the factors of a matrix are weights themselves."""
    producer = None if value is None else value.producer()
    return producer is not None and producer.op_type != LOW_RANK


def _lift(graph: ir.Graph, node: ir.Node) -> None:
    """Make a constant tensor an initializer."""
    tensor = node.attributes.get("value")
    output = node.outputs[0]
    if tensor is None or output.is_graph_output():
        return
    lifted = ir.val(str(output.name), const_value=tensor.as_tensor())
    output.replace_all_uses_with(lifted)
    graph.remove(node, safe=True)
    graph.register_initializer(lifted)
