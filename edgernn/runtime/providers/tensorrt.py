"""NVIDIA GPUs through TensorRT: compiles the graph at load, which takes long and pays for large batches."""

ONNXRUNTIME_NAME = "TensorrtExecutionProvider"
INSTALL = (
    "pip install onnxruntime-gpu and tensorrt in place of onnxruntime; it needs an NVIDIA driver and CUDA 12"
)
HOST_MEMORY = False


def options(threads: int) -> dict[str, str]:
    """None: float32, nothing cached between processes."""
    return {}
