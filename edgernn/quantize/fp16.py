"""fp16: weights stored as half floats, computed in float32, or the whole graph in half.

onnxruntime widens the weights once, when it loads the file, which runs everywhere at the speed of the float32
file: its code for processors has no recurrent operators in half. `compute=half` makes the graph compute in
half, for providers that do (CUDA, TensorRT, QNN, WebGPU); a processor runs it between casts, which is slower.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.functions import inline
from edgernn.quantize.half import check_loads, make_half
from edgernn.quantize.kernel_form import use_functions_for_own
from edgernn.quantize.report import TensorReport
from edgernn.quantize.request import Option, Request
from edgernn.quantize.store import Storage, store_weights, widen_the_rest
from edgernn.quantize.weights import Weight, find_weights

NAME = "fp16"
# Of a matrix of low rank the two factors are stored.
FACTORS = True
OPTIONS = {
    "compute": Option(
        "float32",
        "half: the graph itself, for accelerators; inputs, outputs and states stay float32.",
        ("float32", "half"),
    )
}


class Half(Storage):
    """Half floats alone."""

    name = kind = NAME
    parts = ("half",)

    def encode(self, weight: Weight) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
        """The rounded weight; what is beyond the largest half float becomes that."""
        limit = np.finfo(np.float16).max
        half = np.clip(weight.array, -limit, limit).astype(np.float16)
        return (half,), half.astype(np.float32)

    def widen(self, body: Body, parts: Sequence[ir.Value]) -> ir.Value:
        """The same numbers in float32."""
        return body.op("Cast", parts[0], to=ir.DataType.FLOAT)


def apply(model: ir.Model, request: Request) -> list[TensorReport]:
    """Quantize a model in place; tells of every weight what was done."""
    if request.options.get("compute") == "half":
        use_functions_for_own(model)
        inline(model)
        return make_half(model, request)
    weights = list(find_weights(model.graph, request))
    reports, stored, storages = store_weights(model.graph, weights, lambda _: Half())
    widen_the_rest(model, stored, storages)
    return reports


def check_file(path: Path, options: Mapping[str, Any]) -> None:
    """Raise QuantizationError where onnxruntime cannot take a file of these options."""
    if options.get("compute") == "half":
        check_loads(path)
