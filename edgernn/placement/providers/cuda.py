"""NVIDIA GPUs: cuDNN computes plain recurrent operators; anything special about them goes to the CPU."""

from edgernn.placement.nodes import Node
from edgernn.placement.rules import Form, Refusal, known, names, plain_recurrent

SOURCE = (
    "onnxruntime, docs/OperatorKernels.md, CUDAExecutionProvider, and RNNNeedFallbackToCPU in "
    "core/providers/cuda/cuda_execution_provider.cc"
)
FORM = Form(
    recurrences=("auto", "scan"),
    notes=("padded batches have differed from the CPU (onnxruntime issue 1400); verify on the device",),
)

OPERATORS = names(
    """
    Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast Ceil Clip Compress Concat ConstantOfShape
    Conv ConvTranspose Cos CumSum DepthToSpace DequantizeLinear Div Dropout Einsum Elu Equal Erf Exp Expand
    EyeLike Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool
    Greater GreaterOrEqual GridSample HardSigmoid HardSwish Identity If InstanceNormalization IsInf IsNaN
    LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax Loop MatMul MatMulInteger Max
    MaxPool Min Mod Mul Neg NonZero Not OneHot Or PRelu Pad Pow QuantizeLinear RNN Range Reciprocal ReduceL1
    ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    ReduceSumSquare Relu Reshape Resize ReverseSequence Round Scan ScatterElements ScatterND Selu Shape
    Shrink Sigmoid Sign Sin Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum
    Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Upsample Where Xor com.microsoft.MatMulNBits
    com.microsoft.DequantizeLinear com.microsoft.QuantizeLinear
    """
)


def judge(node: Node) -> Refusal | None:
    """cuDNN has no clip, no peepholes, no other activations, and GRU with linear_before_reset=1 alone."""
    return known(node, OPERATORS) or plain_recurrent(node, reset_after_only=True) or _integers(node)


def _integers(node: Node) -> Refusal | None:
    if node.op == "MatMulInteger" and any(
        tensor is not None and tensor.dtype not in ("int8", "") for tensor in node.inputs[:2]
    ):
        return Refusal("MatMulInteger of uint8; it takes int8", "quantize with --scheme fp16")
    return None
