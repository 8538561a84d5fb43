"""Which body an int8 recurrent layer gets: the fastest that was measured for its kind and size.

All bodies read the same stored integers. Measured with onnxruntime 1.17.3 and 1.32 on one thread of a
processor with int8 dot products, in µs, float32 operator → int8 body, units = inputs:

| | 64 | 128 | 256 | 512 |
|-|-|-|-|-|
| LSTM, 1 step, DynamicQuantizeLSTM | 7 → 7 | 12 → 9 | 35 → 16 | 116 → 44 |
| LSTM, 100 steps, DynamicQuantizeLSTM | 118 → 78 | 397 → 194 | 1704 → 562 | 7289 → 2107 |
| GRU, 1 step, DynamicQuantizeMatMul | 7 → 11 | 10 → 13 | 29 → 19 | 94 → 49 |

MatMulNBits with 8 bits is a little faster than DynamicQuantizeMatMul (17 and 41 µs at 256 and 512), but older
versions of onnxruntime refuse to load a file with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgernn.quantize.body import CONTRIB, Body
from edgernn.quantize.functions import Weights, WriteBody, folded, references, widen

# Elements of W and R together from which a body wins over the folded operator.
LSTM_STREAM, LSTM_SEQUENCE, GRU_STEP = 100_000, 30_000, 200_000


@dataclass(frozen=True)
class ChosenBody:
    """A body and what else depends on it.

    Attributes:
        suffix: of the function's name.
        write: the body.
        multiplies_integers: whether its products are of integers.
    """

    suffix: str
    write: WriteBody
    multiplies_integers: bool


def choose_body(node: ir.Node, kind: str, *, plain: bool) -> ChosenBody:
    """The body of a recurrent node.

    Args:
        node: the float32 node.
        kind: of the storage.
        plain: whether only operators of ONNX itself may be used.
    """
    matrices = [value.const_value for value in node.inputs[1:3] if value is not None]
    size = sum(tensor.size for tensor in matrices if tensor is not None)
    x, streams = node.inputs[0], _given(node, 5)
    steps = x.shape[0] if x is not None and x.shape is not None else None
    if not plain and _is_usual(node):
        if node.op_type == "LSTM" and size >= (LSTM_STREAM if streams else LSTM_SEQUENCE):
            return ChosenBody("_dynamic", dynamic_lstm, True)
        if node.op_type == "GRU" and size >= GRU_STEP and streams and _can_step(node):
            if steps == 1:
                return ChosenBody("_step", one_step, True)
            return ChosenBody("_chunk", step_or_folded(kind), True)
    return ChosenBody("", folded(kind), False)


def _given(node: ir.Node, index: int) -> bool:
    return len(node.inputs) > index and node.inputs[index] is not None


def _is_usual(node: ir.Node) -> bool:
    """Whether the activations are the operator's own; no other attribute changes what is computed."""
    usual = {"direction", "hidden_size", "linear_before_reset"}
    return set(node.attributes) <= usual


def _can_step(node: ir.Node) -> bool:
    """Whether `one_step` computes what the node does."""
    before = node.attributes.get("linear_before_reset")
    direction = node.attributes.get("direction")
    return (
        before is not None
        and before.as_int() == 1
        and (direction is None or direction.as_string() == "forward")
        and not _given(node, 4)
    )


def dynamic_lstm(body: Body, weights: Weights, node: ir.Node) -> Sequence[ir.Value]:
    """DynamicQuantizeLSTM: inputs and states are quantized as they come, their range over all rows."""
    operands: list[ir.Value | None] = [weights.x]
    parameters: list[ir.Value] = []
    for integers, scales in (weights.w, weights.r):
        operands.append(body.op("Transpose", integers, perm=[0, 2, 1]))
        flat = body.op("Squeeze", scales, body.integers(2))
        zero = body.op("Cast", body.op("Mul", flat, body.constant(0.0, np.float32)), to=ir.DataType.INT8)
        parameters += [flat, zero]
    rest = [weights.given(index) for index in range(3, 8)]
    return body.multi(
        "DynamicQuantizeLSTM",
        [*operands, *rest, *parameters],
        len(node.outputs),
        domain=CONTRIB,
        attributes=references(node),
    )


def one_step(body: Body, weights: Weights, node: ir.Node) -> Sequence[ir.Value]:
    """One step of a GRU as plain operators, its two products in integers."""
    return _multiply_and_step(body, weights, _operands(body, weights), len(node.outputs))


def _multiply_and_step(
    body: Body, weights: Weights, operands: Sequence[Sequence[ir.Value | None]], outputs: int
) -> Sequence[ir.Value]:
    x, h = weights.x, weights.given(5)
    assert h is not None
    gates = [
        body.op("DynamicQuantizeMatMul", value, *parts, domain=CONTRIB)
        for value, parts in zip((x, h), operands, strict=True)
    ]
    return _gru_step(body, gates, h, outputs)


def _operands(body: Body, weights: Weights) -> list[list[ir.Value | None]]:
    """For X and for h: the integers (in, 3 × hidden), their scales, no zero point, and the bias."""
    bias = weights.given(3)
    biases: Sequence[ir.Value | None] = (None, None)
    if bias is not None:
        biases = body.multi("Split", [body.op("Squeeze", bias, body.integers(0))], 2, num_outputs=2)
    operands: list[list[ir.Value | None]] = []
    for (integers, scales), part in zip((weights.w, weights.r), biases, strict=True):
        matrix = body.op("Transpose", body.op("Squeeze", integers, body.integers(0)), perm=[1, 0])
        flat = body.op("Reshape", scales, body.integers(-1))
        operands.append([matrix, flat, None, part])
    return operands


def _gru_step(body: Body, gates: Sequence[ir.Value], h: ir.Value, outputs: int) -> Sequence[ir.Value]:
    """z, r, n of the input's and the state's part, (1, B, 3 × hidden) each → Y (1, 1, B, hidden), Y_h."""
    hidden = body.op("Constant", attributes=[ir.RefAttr("value_int", "hidden_size", ir.AttributeType.INT)])
    two = body.op("Mul", hidden, body.integers(2, 1))
    one = body.op("Mul", hidden, body.integers(1, 1))
    (zr_x, n_x), (zr_h, n_h) = (body.multi("Split", [part, two], 2, axis=-1) for part in gates)
    both = body.op("Sigmoid", body.op("Add", zr_x, zr_h))
    z, r = body.multi("Split", [both, one], 2, axis=-1)
    n = body.op("Tanh", body.op("Add", n_x, body.op("Mul", r, n_h)))
    new = body.op("Add", n, body.op("Mul", z, body.op("Sub", h, n)))
    return [body.op("Unsqueeze", new, body.integers(1)), new][:outputs]


def step_or_folded(kind: str) -> WriteBody:
    """A body: `one_step` where there is one step, else the operator on folded weights."""

    def write(body: Body, weights: Weights, node: ir.Node) -> Sequence[ir.Value]:
        steps = body.op("Shape", weights.x, start=0, end=1)
        single = body.op("Equal", steps, body.integers(1))
        # Made outside the branches, where onnxruntime folds them.
        operands = _operands(body, weights)
        wide = [widen(body, kind, weights.w), widen(body, kind, weights.r)]

        count = len(node.outputs)
        ranks = (4, 3)[:count]
        then, otherwise = body.inner(), body.inner()
        stepped = _multiply_and_step(then, weights, operands, count)
        inputs = [weights.x, *wide, *weights.rest]
        whole = otherwise.multi(node.op_type, inputs, count, attributes=references(node))
        branches = [
            body.graph("then_branch", then, stepped, ranks),
            body.graph("else_branch", otherwise, whole, ranks),
        ]
        return body.multi("If", [single], count, attributes=branches)

    return write
