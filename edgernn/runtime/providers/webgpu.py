"""GPUs through WebGPU (Dawn)."""

ONNXRUNTIME_NAME = "WebGpuExecutionProvider"
INSTALL = "a build of onnxruntime with WebGPU, such as onnxruntime-web in the browser"
HOST_MEMORY = False


def options(threads: int) -> dict[str, str]:
    """None."""
    return {}
