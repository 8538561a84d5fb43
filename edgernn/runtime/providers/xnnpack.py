"""XNNPACK, float kernels for Arm and web: no recurrent operators, so export with recurrence='unrolled'."""

ONNXRUNTIME_NAME = "XnnpackExecutionProvider"
INSTALL = "a build of onnxruntime with XNNPACK, such as the Android one"
HOST_MEMORY = True


def options(threads: int) -> dict[str, str]:
    """XNNPACK has a thread pool of its own."""
    return {"intra_op_num_threads": str(threads)}
