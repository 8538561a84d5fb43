"""NVIDIA GPUs: recurrent operators by cuDNN. Worth it for large batches, not for single small steps."""

ONNXRUNTIME_NAME = "CUDAExecutionProvider"
INSTALL = (
    "pip install onnxruntime-gpu in place of onnxruntime; it needs an NVIDIA driver, CUDA 12 and cuDNN 9"
)
HOST_MEMORY = False


def options(threads: int) -> dict[str, str]:
    """None: cuDNN's own choices."""
    return {}
