"""NPUs, GPUs and CPUs through the browser's WebNN: LSTM and GRU of fixed shape; no RNN, no loops."""

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
    plain_recurrent,
)

SOURCE = "onnxruntime-web 1.30, docs/webnn-operators.md"
FORM = Form(
    recurrences=("op", "unrolled"),
    fixed=True,
    notes=("the session option freeDimensionOverrides fixes shapes too, without a new export",),
)

OPERATORS = names(
    """
    Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast Ceil Clip Concat Conv ConvInteger
    ConvTranspose Cos CumSum DepthToSpace DequantizeLinear Div Dropout DynamicQuantizeLinear Einsum Elu
    Equal Erf Exp Expand Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool
    GlobalLpPool GlobalMaxPool Greater GreaterOrEqual HardSigmoid HardSwish Identity InstanceNormalization
    IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LpNormalization LpPool MatMul
    MatMulInteger Max MaxPool Min Mul Neg Not Or PRelu Pad Pow QuantizeLinear Reciprocal ReduceL1 ReduceL2
    ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu
    Reshape Resize Round ScatterElements ScatterND Shape Sigmoid Sign Sin Slice Softmax Softplus Softsign
    Split Sqrt Squeeze Sub Tan Tanh Tile Transpose Trilu Unsqueeze Where Xor com.microsoft.MatMulNBits
    """
)
_REDUCTIONS = tuple(name for name in OPERATORS if name.startswith("Reduce"))


def judge(node: Node) -> Refusal | None:
    """Fixed shapes; shapes, axes and bounds constant; no clip, no input_forget, no lengths of rows."""
    return (
        main_graph(node)
        or known(node, OPERATORS)
        or fixed_shapes(node)
        or plain_recurrent(node, activations=("relu", "tanh", "sigmoid"), peepholes=True, lengths=False)
        or constant(node, ("CumSum", "Expand", "Reshape", "Split", "Squeeze", "Tile", *_REDUCTIONS), 1)
        or constant(node, ("Slice",), 1, 2, 3, 4)
        or dimensions(node, ("Conv", "ConvTranspose", "ConvInteger"), (3, 4))
        or dimensions(node, ("AveragePool", "MaxPool", "GlobalAveragePool", "GlobalMaxPool"), (4,))
    )
