"""Intel CPUs, GPUs and NPUs through OpenVINO."""

ONNXRUNTIME_NAME = "OpenVINOExecutionProvider"
INSTALL = "pip install onnxruntime-openvino in place of onnxruntime, in an environment of its own"
HOST_MEMORY = True


def options(threads: int) -> dict[str, str]:
    """The CPU device with as many threads as asked for."""
    return {"device_type": "CPU", "num_of_threads": str(threads)}
