"""The CPU has a kernel for all that edgernn writes; recurrent operators in float32 alone."""

from edgernn.placement.nodes import Node
from edgernn.placement.rules import RECURRENT, UNROLL, Form, Refusal

SOURCE = "onnxruntime, docs/OperatorKernels.md, CPUExecutionProvider"
FORM = Form()

_DOMAINS = {"", "ai.onnx.ml", "com.microsoft"}


def judge(node: Node) -> Refusal | None:
    """Recurrent operators are float32 and layout 0; other domains need a library of kernels."""
    if node.domain not in _DOMAINS:
        return Refusal(
            f"{node.op} of the domain {node.domain} is a custom operator",
            "register the library that has its kernel",
        )
    if node.op in RECURRENT:
        if node.attributes.get("layout"):
            return Refusal(f"{node.op} with layout=1", "export with edgernn, which writes layout=0")
        dtype = node.inputs[0].dtype if node.inputs[0] is not None else ""
        if dtype not in ("float32", ""):
            return Refusal(f"{node.op} in {dtype}", f"keep it in float32, or {UNROLL}")
    return None
