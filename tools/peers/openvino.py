"""OpenVINO, set for latency on as many threads as the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgernn.bench.contenders.base import Contender

PACKAGES = ("openvino",)


def make(file: Path, state_shapes: Sequence[tuple[int, ...]], threads: int) -> Contender:
    """The file compiled for the CPU, its tensors bound once: its fastest way from Python.

    The states' outputs of one call are copied into its inputs for the next.
    """
    import openvino

    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    compiled = openvino.Core().compile_model(str(file), "CPU", settings)
    request = compiled.create_infer_request()
    inputs = [np.zeros(tuple(port.shape), np.float32) for port in compiled.inputs]
    outputs = [np.zeros(tuple(port.shape), np.float32) for port in compiled.outputs]
    for index, array in enumerate(inputs):
        request.set_input_tensor(index, openvino.Tensor(array, shared_memory=True))
    for index, array in enumerate(outputs):
        request.set_output_tensor(index, openvino.Tensor(array, shared_memory=True))
    start, wait = request.start_async, request.wait
    x_in, states_in, states_out = inputs[0], inputs[1:], outputs[1:]

    def call(x: np.ndarray) -> np.ndarray:
        x_in[...] = x
        start()
        wait()
        for source, target in zip(states_out, states_in, strict=True):
            target[...] = source
        return outputs[0]

    def reset() -> None:
        for array in states_in:
            array[...] = 0

    return Contender("OpenVINO", f"OpenVINO {openvino.__version__}", call, lambda y: [y], reset)
