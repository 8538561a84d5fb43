"""Qualcomm's NPUs: LSTM and GRU, their steps unrolled by QNN itself, so of fixed shape; no loops."""

from edgernn.placement.nodes import Node
from edgernn.placement.rules import Form, Refusal, fixed_shapes, known, main_graph, names, plain_recurrent

SOURCE = (
    "onnxruntime, docs/execution-providers/QNN-ExecutionProvider.md, lstm_op_builder.cc; "
    "onnxruntime-qnn, gru_op_builder.cc (2026)"
)
FORM = Form(
    recurrences=("op", "unrolled"),
    fixed=True,
    notes=(
        "float32 runs as float16 on the NPU; for int8 quantize an unrolled file with --scheme int8-static",
        "GRU needs onnxruntime-qnn of May 2026 or later; --recurrence unrolled runs on older ones",
    ),
)

OPERATORS = names(
    """
    Abs Add And ArgMax ArgMin Asin Atan AveragePool BatchNormalization Cast Clip Concat Conv ConvTranspose
    Cos DepthToSpace DequantizeLinear Div Elu Equal Exp Expand Flatten Floor GRU Gather Gelu Gemm
    GlobalAveragePool Greater GreaterOrEqual GridSample HardSwish Identity InstanceNormalization LRN LSTM
    LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization MatMul Max MaxPool Min Mul
    Neg Not Or PRelu Pad Pow QuantizeLinear ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum Relu Reshape
    Resize Round Sigmoid Sign Sin Slice Softmax SpaceToDepth Split Sqrt Squeeze Sub Tanh Tile TopK Transpose
    Unsqueeze Where com.microsoft.DequantizeLinear com.microsoft.Gelu com.microsoft.QuantizeLinear
    """
)


def judge(node: Node) -> Refusal | None:
    """Fixed shapes, default activations, layout 0, no clip, the same length in every row."""
    return (
        main_graph(node)
        or known(node, OPERATORS)
        or fixed_shapes(node)
        or plain_recurrent(node, peepholes=True, lengths=False)
    )
