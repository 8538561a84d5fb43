"""Any DirectX 12 GPU on Windows."""

ONNXRUNTIME_NAME = "DmlExecutionProvider"
INSTALL = "pip install onnxruntime-directml in place of onnxruntime, on Windows"
HOST_MEMORY = False


def options(threads: int) -> dict[str, str]:
    """None: the default adapter."""
    return {}
