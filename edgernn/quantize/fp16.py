"""fp16: weights stored as half floats, computed in float32.

onnxruntime widens the weights once, when it loads the file, which runs everywhere at the speed of the float32
file: its code for processors has no recurrent operators in half.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.report import TensorReport
from edgernn.quantize.request import Request
from edgernn.quantize.store import Storage, store_weights, widen_the_rest
from edgernn.quantize.weights import Weight, find_weights

NAME = "fp16"
# Of a matrix of low rank the two factors are stored.
FACTORS = True


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
    weights = list(find_weights(model.graph, request))
    reports, stored, storages = store_weights(model.graph, weights, lambda _: Half())
    widen_the_rest(model, stored, storages)
    return reports
