"""Android's neural networks API: no recurrent operators, so export with recurrence='unrolled'."""

ONNXRUNTIME_NAME = "NnapiExecutionProvider"
INSTALL = "an Android build of onnxruntime with NNAPI"
HOST_MEMORY = True


def options(threads: int) -> dict[str, str]:
    """None."""
    return {}
