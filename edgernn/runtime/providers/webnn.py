"""NPUs, GPUs and CPUs through the browser's WebNN; not for Python: the web bundle runs it."""

ONNXRUNTIME_NAME = "WebNNExecutionProvider"
INSTALL = "onnxruntime-web in a browser with WebNN"
HOST_MEMORY = False


def options(threads: int) -> dict[str, str]:
    """None: the browser chooses the device."""
    return {}
