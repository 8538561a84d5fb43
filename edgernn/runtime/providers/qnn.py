"""Qualcomm's NPU: fixed lengths, quantized or 16-bit graphs."""

ONNXRUNTIME_NAME = "QNNExecutionProvider"
INSTALL = "pip install onnxruntime-qnn in place of onnxruntime, on a Qualcomm device"
HOST_MEMORY = True


def options(threads: int) -> dict[str, str]:
    """The NPU, onnxruntime's default being its CPU emulation."""
    return {"backend_type": "htp"}
