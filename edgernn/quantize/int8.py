"""int8: weights rounded to 8 bits, one scale a channel; activations and states stay float32.

A recurrent layer becomes one node that is a function of the domain `edgernn`, e.g. GRU_int8; of a cell that
ONNX has no operator for, where the float32 file has it as a function (`export --kernels`), e.g. MinGRU_int8.
Other weights (linear, convolution, embedding, cells written as Scan, Loop or unrolled) are stored as int8 and
widened once.
Results do not depend on chunks, batch or threads more than the float32 file's do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.recurrent import OLDEST, WITH_8_BITS, choose_body
from edgernn.quantize.report import TensorReport
from edgernn.quantize.request import Option, Request
from edgernn.quantize.store import Storage, replace_recurrent, store_weights, widen_the_rest
from edgernn.quantize.weights import Weight, find_recurrent, find_weights, round_int8

NAME = "int8"
# Of a matrix of low rank the two factors are stored.
FACTORS = True
OPTIONS = {
    "minimum_onnxruntime": Option(
        OLDEST,
        f"The oldest onnxruntime to run it: from {WITH_8_BITS} on, large GRUs have a faster product.",
        (OLDEST, WITH_8_BITS),
    )
}


class Int8(Storage):
    """Integers and one float32 scale a channel.

    They can be multiplied as integers on any processor, whether or not a file does so, see `round_int8`: what
    is stored depends on no body, and is what training with this scheme's rounding saw.
    """

    name = kind = NAME
    parts = ("int8", "scale")

    def encode(self, weight: Weight) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
        """The integers, the scales, and their product."""
        integers, scales = round_int8(weight.array, weight.axes, for_pairs=True)
        return (integers, scales), integers * scales

    def widen(self, body: Body, parts: Sequence[ir.Value]) -> ir.Value:
        """integers × scales; DequantizeLinear would not be folded."""
        integers, scales = parts
        return body.op("Mul", body.op("Cast", integers, to=ir.DataType.FLOAT), scales)


def storage_of(weight: Weight, elements: int, options: Mapping[str, Any]) -> Storage:
    """How a weight is stored; `elements` counts those that are stored with it."""
    return Int8()


def apply(model: ir.Model, request: Request) -> list[TensorReport]:
    """Quantize a model in place; tells of every weight what was done."""
    storage = Int8()
    minimum = request.options.get("minimum_onnxruntime", OLDEST)
    chosen = {
        node: choose_body(node, NAME, plain=request.plain, minimum_onnxruntime=minimum)
        for node in find_recurrent(model.graph)
    }
    weights = list(find_weights(model.graph, request))
    reports, stored, storages = store_weights(model.graph, weights, lambda _: storage)
    bodies = {node: (NAME + body.suffix, storage.parts, body.write) for node, body in chosen.items()}
    replace_recurrent(model, stored, bodies)
    widen_the_rest(model, stored, storages)
    return reports
