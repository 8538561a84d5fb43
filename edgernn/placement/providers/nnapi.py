"""Android's NNAPI: no recurrent operators, no loops, no free shapes, so an unrolled file of fixed shape."""

from edgernn.placement.nodes import Node
from edgernn.placement.rules import (
    Form,
    Refusal,
    constant,
    dimensions,
    fixed_shapes,
    known,
    main_graph,
    names,
)

SOURCE = "onnxruntime, docs/execution-providers/NNAPI-ExecutionProvider.md"
FORM = Form(
    recurrences=("unrolled",),
    fixed=True,
    notes=("Android 15 deprecates NNAPI; compare with xnnpack and cpu on the device",),
)

OPERATORS = names(
    """
    Abs Add AveragePool BatchNormalization Cast Clip Concat Conv DepthToSpace DequantizeLinear Div Elu Exp
    Flatten Floor Gather Gemm GlobalAveragePool GlobalMaxPool Identity LRN LeakyRelu Log MatMul Max MaxPool
    Min Mul Neg PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear ReduceMean Relu Reshape Resize
    Sigmoid Sin Slice Softmax Split Sqrt Squeeze Sub Tanh Transpose Unsqueeze com.microsoft.QLinearAdd
    com.microsoft.QLinearAveragePool com.microsoft.QLinearSigmoid
    """
)


def judge(node: Node) -> Refusal | None:
    """Convolutions and pooling in two dimensions; axes, pads and scales constant."""
    return (
        main_graph(node)
        or known(node, OPERATORS)
        or fixed_shapes(node)
        or dimensions(node, ("Conv", "QLinearConv", "AveragePool", "MaxPool", "GlobalAveragePool"), (4,))
        or constant(node, ("Conv", "Pad", "Squeeze", "Unsqueeze"), 1, 2)
        or constant(node, ("Gather", "Split", "Reshape"), 1)
        or constant(node, ("QuantizeLinear", "DequantizeLinear"), 1, 2)
    )
