"""NVIDIA GPUs through TensorRT: it builds a recurrent layer of loops, so free lengths are fine."""

from edgernn.placement.nodes import Node
from edgernn.placement.rules import Form, Refusal, constant, lacks, names, plain_recurrent

SOURCE = (
    "onnx-tensorrt, docs/operators.md; onnxruntime, docs/execution-providers/TensorRT-ExecutionProvider.md"
)
FORM = Form(
    notes=(
        "an LSTM with lengths has been masked wrongly (onnxruntime issue 16885); verify on the device",
        "the engine is built at load, for each range of shapes; fixed shapes load faster",
    )
)

MISSING = names(
    """
    BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor CenterCropPad Col2Im Compress ConcatFromSequence
    ConvInteger DFT Det DynamicQuantizeLinear MatMulInteger MaxUnpool MelWeightMatrix Multinomial Optional
    OptionalGetElement OptionalHasElement QLinearConv QLinearMatMul RandomNormal SequenceAt
    SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SplitToSequence
    StringNormalizer TfIdfVectorizer Unique
    """
)


def judge(node: Node) -> Refusal | None:
    """No products of integers by operator: it takes int8 as QuantizeLinear and DequantizeLinear."""
    return (
        lacks(node, MISSING)
        or plain_recurrent(node, activations=("sigmoid", "tanh", "relu"), peepholes=True)
        or constant(node, ("QuantizeLinear", "DequantizeLinear"), 1, 2)
    )
