"""Windows GPUs through DirectML: it has recurrent layers, but no Scan, Loop or If."""

from edgernn.placement.nodes import Node
from edgernn.placement.rules import Form, Refusal, lacks, main_graph, names, plain_recurrent

SOURCE = "onnxruntime, docs/OperatorKernels.md, DmlExecutionProvider, and DirectML-ExecutionProvider.md"
FORM = Form(
    recurrences=("op", "unrolled"),
    notes=("free shapes run, fixed ones let DirectML plan ahead: --fix-batch, --length",),
)

MISSING = names(
    """
    Compress ConcatFromSequence Det If Loop MaxUnpool MelWeightMatrix Multinomial NonMaxSuppression
    RandomNormal RandomUniform Scan StringNormalizer TfIdfVectorizer Unique
    """
)
_CONTRIB = {
    "MatMulNBits",
    "DynamicQuantizeMatMul",
    "MatMulIntegerToFloat",
    "QuantizeLinear",
    "DequantizeLinear",
}
_ACTIVATIONS = ("sigmoid", "tanh", "relu", "affine", "leakyrelu", "elu", "softsign", "softplus")


def judge(node: Node) -> Refusal | None:
    """Bodies of Scan and Loop stay on the CPU with them; no clip and no input_forget."""
    if node.domain == "com.microsoft" and node.op in _CONTRIB:
        return main_graph(node)
    return (
        lacks(node, MISSING)
        or main_graph(node)
        or plain_recurrent(node, activations=_ACTIVATIONS, peepholes=True)
    )
