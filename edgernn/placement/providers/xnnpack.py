"""XNNPACK on phones and in the browser: products of matrices, convolutions, softmax; the CPU does the rest.

It shares the CPU's memory, so nothing is copied where nodes alternate between the two.
"""

from edgernn.placement.nodes import Node
from edgernn.placement.rules import (
    REPLACE,
    UNROLL,
    Form,
    Refusal,
    constant,
    dimensions,
    fixed_shapes,
    known,
    main_graph,
    names,
)

SOURCE = "onnxruntime, docs/execution-providers/Xnnpack-ExecutionProvider.md"
FORM = Form(
    recurrences=("unrolled",),
    fixed=True,
    notes=("a recurrent operator on the CPU is often faster than its unrolled form on xnnpack; bench both",),
)

OPERATORS = names(
    """
    AveragePool Conv ConvTranspose Gemm MatMul MaxPool QLinearConv Resize Softmax
    com.microsoft.QLinearAveragePool com.microsoft.QLinearSoftmax com.microsoft.QLinearConvTranspose
    """
)


def judge(node: Node) -> Refusal | None:
    """Matrices of two dimensions with constant weights, convolutions in two, softmax over the last."""
    return (
        main_graph(node)
        or _left_to_the_cpu(node)
        or fixed_shapes(node)
        or dimensions(node, ("Gemm", "MatMul"), (2,))
        or dimensions(node, ("Conv", "ConvTranspose", "QLinearConv", "AveragePool", "MaxPool"), (4,))
        or constant(node, ("Gemm", "MatMul", "Conv", "ConvTranspose"), 1, 2)
        or _last_axis(node)
    )


def _left_to_the_cpu(node: Node) -> Refusal | None:
    refusal = known(node, OPERATORS)
    if refusal is None or refusal.remedy == UNROLL:
        return refusal
    return Refusal(refusal.reason, "none needed: the CPU computes it on the same memory")


def _last_axis(node: Node) -> Refusal | None:
    first = node.inputs[0] if node.inputs else None
    if node.op != "Softmax" or first is None or first.shape is None:
        return None
    if node.attributes.get("axis", -1) in (-1, len(first.shape) - 1):
        return None
    return Refusal("Softmax over another dimension than the last", REPLACE)
