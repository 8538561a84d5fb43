"""Intel CPUs, GPUs and NPUs through OpenVINO: recurrent operators and free shapes; no Scan, no Loop.

What the list of its source says of Scan and Loop does not hold in onnxruntime-openvino 1.24.1: a Scan stays
on the CPU with its body on OpenVINO, step by step, and with a Loop or an If the file does not load.
"""

from edgernn.placement.nodes import Node
from edgernn.placement.rules import PLAIN_SCHEME, Form, Refusal, known, main_graph, names, plain_recurrent

SOURCE = (
    "onnxruntime, core/providers/openvino/ov_versions/data_ops.cc; tried with onnxruntime-openvino 1.24.1"
)
FORM = Form(
    recurrences=("op", "unrolled"),
    notes=(
        "a GRU of free length falls back to a slow iterator on some devices; --length fixes it",
        "an NPU takes fixed shapes alone: --fix-batch, --length",
    ),
)

OPERATORS = names(
    """
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization BitShift
    BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu Clip Compress Concat ConstantOfShape
    Conv ConvInteger ConvTranspose Cos Cosh CumSum DFT DepthToSpace DequantizeLinear Div Dropout
    DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements
    GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample
    GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization IsInf IsNaN LRN LSTM
    LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization MatMul MatMulInteger Max
    MaxPool Mean Min Mish Mod Mul Neg NonMaxSuppression NonZero Not OneHot Or PRelu Pad Pow QLinearConv
    QLinearMatMul QuantizeLinear RNN Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp
    ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize ReverseSequence
    RoiAlign Round STFT ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax
    Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK Transpose
    Trilu Unique Unsqueeze Where Xor com.microsoft.DynamicQuantizeMatMul com.microsoft.MatMulNBits
    com.microsoft.MatMulIntegerToFloat
    """
)


def judge(node: Node) -> Refusal | None:
    """A node in a Scan is taken, though the Scan is not; in other bodies nothing is."""
    return (
        known(node, OPERATORS)
        or (main_graph(node) if node.body_of != "Scan" else None)
        or plain_recurrent(node, activations=("sigmoid", "tanh", "relu"))
        or _zero_points(node)
    )


def _zero_points(node: Node) -> Refusal | None:
    if node.op == "DynamicQuantizeMatMul" and not node.has_input(3):
        return Refusal("DynamicQuantizeMatMul without a zero point of its weights", PLAIN_SCHEME)
    return None
