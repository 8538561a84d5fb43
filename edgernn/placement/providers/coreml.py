"""Apple's Neural Engine, GPU and CPU, as an ML Program: no recurrent operators, no Gather, fixed shapes.

Free shapes can run in it, but then not on the Neural Engine, and onnxruntime's own checker counts such nodes
as not taken; so do these rules.
"""

from edgernn.placement.nodes import Node
from edgernn.placement.rules import (
    Form,
    Refusal,
    constant,
    dimensions,
    fixed_shapes,
    known,
    main_graph,
    most_dimensions,
    names,
)

SOURCE = "onnxruntime, docs/execution-providers/CoreML-ExecutionProvider.md, ML Program"
FORM = Form(recurrences=("unrolled",), fixed=True)

OPERATORS = names(
    """
    Add And Argmax AveragePool Cast Ceil Clip Concat Conv ConvTranspose Cos DepthToSpace Div Elu Erf Exp
    Gelu GatherND Gemm GlobalAveragePool GlobalMaxPool GridSample GroupNormalization HardSigmoid Identity
    InstanceNormalization LayerNormalization LeakyRelu MatMul Max MaxPool Mul PRelu Pow Reciprocal ReduceMax
    ReduceMean ReduceSum Relu Reshape Resize Round Shape Sigmoid Sin Slice Softmax Softplus Split Sqrt
    Squeeze Sub Tanh Tile Transpose Unsqueeze Where
    """
)
_LARGEST_RANK = 5


def judge(node: Node) -> Refusal | None:
    """Up to five dimensions, convolutions in one or two; bounds of slices and second factors constant."""
    return (
        main_graph(node)
        or known(node, OPERATORS)
        or fixed_shapes(node)
        or most_dimensions(node, _LARGEST_RANK)
        or dimensions(node, ("Conv", "ConvTranspose"), (3, 4))
        or dimensions(node, ("AveragePool", "MaxPool", "GlobalAveragePool", "GlobalMaxPool"), (4,))
        or constant(node, ("Gemm", "Split"), 1)
        or constant(node, ("Slice",), 1, 2, 3, 4)
    )
