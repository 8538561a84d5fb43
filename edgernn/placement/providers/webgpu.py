"""GPUs through WebGPU, in the browser and natively: LSTM and GRU in builds of 2026; no RNN, Scan or Loop."""

from edgernn.placement.nodes import Node
from edgernn.placement.rules import Form, Refusal, known, main_graph, names, plain_recurrent

SOURCE = (
    "onnxruntime-web 1.30, docs/webgpu-operators.md; onnxruntime pull requests 27881 (LSTM) and 29840 (GRU)"
)
FORM = Form(
    recurrences=("op", "unrolled"),
    notes=("builds before LSTM (May 2026) and GRU (July 2026) run those on wasm instead",),
)

OPERATORS = names(
    """
    Abs Acos Acosh Add ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil Clip
    Concat Conv ConvTranspose Cos Cosh CumSum DFT DepthToSpace DequantizeLinear Div Einsum Elu Equal Erf Exp
    Expand Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool
    Greater GreaterOrEqual GridSample HardSigmoid HardSwish Identity If InstanceNormalization LSTM
    LayerNormalization LeakyRelu Less LessOrEqual Log MatMul MaxPool Mul Neg Not Pad Pow Range Reciprocal
    ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    ReduceSumSquare Relu Reshape Resize ScatterND Shape Sigmoid Sin Sinh Slice Softmax Split Sqrt Squeeze
    Sub Tan Tanh ThresholdedRelu Tile Transpose Unsqueeze Where com.microsoft.MatMulNBits
    com.microsoft.QuickGelu
    """
)


def judge(node: Node) -> Refusal | None:
    """Recurrent operators with sigmoid, tanh or relu."""
    return (
        known(node, OPERATORS)
        or (main_graph(node) if node.body_of != "If" else None)
        or plain_recurrent(node, activations=("sigmoid", "tanh", "relu"), peepholes=True)
    )
