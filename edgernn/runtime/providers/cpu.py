"""The CPU: in every onnxruntime, runs every form that edgernn writes."""

ONNXRUNTIME_NAME = "CPUExecutionProvider"
INSTALL = "pip install onnxruntime"
HOST_MEMORY = True


def options(threads: int) -> dict[str, str]:
    """None: threads are set for the whole session."""
    return {}
