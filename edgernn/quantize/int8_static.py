"""int8-static: weights and activations in 8 bits, their scales fixed beforehand, for accelerators.

The graph keeps its operators; a pair of QuantizeLinear and DequantizeLinear stands at every tensor between
them (QDQ), which is what the compilers of NPUs (QNN, NNAPI, CoreML) and onnxruntime's own read. Weights are
int8 with one scale a channel, symmetric; biases of Gemm and Conv are int32 at the scale of their products;
activations are uint8 (or uint16, on request) with a scale and a zero point from calibration data. It is for
graphs of plain operators and fixed length, `recurrence="unrolled"`: the steps of a cell share their scales,
which are calibrated over all of them. On a CPU it is neither faster nor, where weights are small beside the
many nodes, smaller.

What lies outside the ranges that calibration saw is clipped; `margin` leaves room, at the cost of coarser
steps. Results do not depend on the batch or on threads. The rounding of each state in each step is what it
costs: a state that moves by less than half its scale in a step stays where it is.
"""

from __future__ import annotations

import onnx_ir as ir

from edgernn.errors import QuantizationError
from edgernn.quantize.report import TensorReport
from edgernn.quantize.request import Option, Request, all_nodes
from edgernn.quantize.static.insert import Writer
from edgernn.quantize.static.operators import RECURRENCES
from edgernn.quantize.static.ranges import METHODS

NAME = "int8-static"
# What lies between layers is rounded too, so a budget takes it for the whole network or not at all.
WHOLE = True
OPTIONS = {
    "calibrate": Option("min-max", "How ranges come from the calibration data.", tuple(METHODS)),
    "percentile": Option(99.99, "Share in % of the values that a range covers, with calibrate=percentile."),
    "margin": Option(
        1.0, "Ranges are this much wider than the calibration data's, for what lies beyond, e.g. 1.2."
    ),
    "activation_bits": Option(
        8, "16 for states that change little in a step, where the device has it (QNN has).", (8, 16)
    ),
    "weight_bits": Option(
        8, "7 where the device's sums of 8-bit products saturate, as on x86 without VNNI.", (7, 8)
    ),
}


def apply(model: ir.Model, request: Request) -> list[TensorReport]:
    """Quantize a model in place; tells of every weight what was done.

    Raises:
        QuantizationError: where recurrences are nodes, or there are no calibration data.
        InputError: where the calibration data do not fit the model.
    """
    whole = sorted({node.op_type for node in all_nodes(model.graph) if node.op_type in RECURRENCES})
    if whole:
        raise QuantizationError(
            f"scheme {NAME}: the graph has {' and '.join(whole)} nodes, whose inside has no scales. Export "
            "it with plain operators: `edgernn export … --recurrence unrolled --length N`, in Python "
            'recurrence="unrolled", length=N.'
        )
    if request.calibration is None:
        raise QuantizationError(
            f"scheme {NAME}: its scales come from typical inputs, and none were given. Give some: "
            "`--data inputs.npy`, in Python calibration=array of (batch, time, features)."
        )
    if not 50 < request.options["percentile"] <= 100:
        raise QuantizationError(
            f"scheme {NAME}: percentile is {request.options['percentile']}; it must be above 50, at most 100."
        )
    if not 1 <= request.options["margin"] <= 4:
        raise QuantizationError(
            f"scheme {NAME}: margin is {request.options['margin']}; it must be from 1 to 4."
        )
    return Writer(model, request).write()
