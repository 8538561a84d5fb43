"""Apple's Neural Engine, GPU and CPU: no recurrent operators, so export with recurrence='unrolled'."""

ONNXRUNTIME_NAME = "CoreMLExecutionProvider"
INSTALL = "pip install onnxruntime on macOS"
HOST_MEMORY = True


def options(threads: int) -> dict[str, str]:
    """The ML Program format, which knows more operators than the older one."""
    return {"ModelFormat": "MLProgram"}
