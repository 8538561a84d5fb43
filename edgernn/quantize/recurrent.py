"""Which body an int8 recurrent layer gets: the fastest that was measured for its kind and size.

All bodies read the same stored integers. Measured with onnxruntime 1.32 on one thread of a processor with
int8 dot products, in µs, float32 operator → int8 body, units = inputs. Those marked * need onnxruntime 1.22
(`minimum_onnxruntime`); the others run on 1.17 too:

| | 64 | 128 | 192 | 256 | 384 | 512 |
|-|-|-|-|-|-|-|
| LSTM, 1 step, DynamicQuantizeLSTM | 7 → 7 | 12 → 9 | | 35 → 16 | | 116 → 44 |
| LSTM, 100 steps, DynamicQuantizeLSTM | 118 → 78 | 397 → 194 | | 1704 → 562 | | 7289 → 2107 |
| GRU, 1 step, chunk fixed at 1 | | 9 → 10 | 14 → 12 | 23 → 14 | 46 → 22 | 72 → 32 |
| the same * | | 9 → 9 | 14 → 10 | 23 → 11 | 46 → 18 | 72 → 26 |
| GRU, 1 step of any chunk, If | | 9 → 14 | 14 → 15 | 23 → 17 | 46 → 26 | 72 → 36 |
| the same, Scan | | 9 → 14 | 14 → 16 | 23 → 18 | 46 → 26 | 72 → 37 |
| the same, Scan * | | 9 → 13 | 14 → 14 | 23 → 15 | 46 → 23 | 72 → 31 |
| GRU, 10 steps, Scan | | 29 → 73 | 55 → 82 | 91 → 99 | 216 → 134 | 380 → 186 |
| GRU, 100 steps, Scan | | 242 → 663 | 494 → 773 | 858 → 942 | 2130 → 1299 | 4021 → 1825 |

A step of a GRU as plain operators costs 6 µs beside its products, an If or a Scan around it 4 more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgernn.quantize.body import CONTRIB, Body
from edgernn.quantize.dynamic import BlockProducts, DynamicProducts
from edgernn.quantize.functions import Weights, WriteBody, folded, references, widen
from edgernn.quantize.kernel_form import own_body
from edgernn.quantize.kinds import is_own
from edgernn.quantize.kinds.base import Multiply
from edgernn.quantize.layer import Matrix, Products, find_layer, matrix_size, steps_of

# Elements of W and R of one direction from which a body wins over the folded operator. Those in a range of
# their own, GRU_CHUNK to GRU_SCAN, win for one step and are as fast for more.
LSTM_STREAM, LSTM_SEQUENCE = 100_000, 30_000
GRU_STEP, GRU_CHUNK, GRU_SCAN = 150_000, 300_000, 600_000
# The version of onnxruntime that has MatMulNBits for 8 bits, and the oldest one that edgernn supports.
OLDEST, WITH_8_BITS = "1.17", "1.22"


@dataclass(frozen=True)
class ChosenBody:
    """A body, and the suffix of its function's name."""

    suffix: str
    write: WriteBody


def choose_body(node: ir.Node, kind: str, *, plain: bool, minimum_onnxruntime: str = OLDEST) -> ChosenBody:
    """The body of a recurrent node.

    Args:
        node: the float32 node.
        kind: of the storage.
        plain: whether only operators of ONNX itself may be used.
        minimum_onnxruntime: the oldest version that is to run it.
    """
    if is_own(node):
        return ChosenBody(*own_body(node, kind))
    if not plain and _is_usual(node) and all(_is_constant(node, index) for index in (1, 2)):
        sizes = [size for index in (1, 2) if (size := matrix_size(node, index))]
        elements = sum(rows * columns for rows, columns in sizes)
        streams = _given(node, 5)
        if node.op_type == "LSTM" and elements >= (LSTM_STREAM if streams else LSTM_SEQUENCE):
            return ChosenBody("_dynamic", dynamic_lstm)
        if node.op_type == "GRU":
            newer = minimum_onnxruntime == WITH_8_BITS
            return _gru_body(node, kind, BlockProducts() if newer else DynamicProducts(), elements)
    return ChosenBody("", folded(kind))


def _gru_body(node: ir.Node, kind: str, products: Products, elements: int) -> ChosenBody:
    ending = f"_{products.suffix}" * bool(products.suffix)
    if _given(node, 5) and _can_step(node):
        if steps_of(node) == 1 and elements >= GRU_STEP:
            return ChosenBody(f"_step{ending}", one_step(products))
        if GRU_CHUNK <= elements < GRU_SCAN:
            return ChosenBody(f"_chunk{ending}", step_or_folded(kind, products))
    layer = find_layer(node, products)
    if elements >= GRU_SCAN and layer is not None:
        return ChosenBody(f"_scan{layer.suffix}", layer.write)
    return ChosenBody("", folded(kind))


def _is_constant(node: ir.Node, index: int) -> bool:
    value = node.inputs[index]
    return value is not None and value.const_value is not None


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


def one_step(products: Products) -> WriteBody:
    """A body: one step of a GRU as plain operators, its two products in integers."""

    def write(body: Body, weights: Weights, node: ir.Node) -> Sequence[ir.Value]:
        return _step(body, weights, _multiplications(body, weights, node, products), len(node.outputs))

    return write


def _multiplications(body: Body, weights: Weights, node: ir.Node, products: Products) -> list[Multiply]:
    """The products with W and with R, their biases included."""
    bias = weights.given(3)
    biases: Sequence[ir.Value | None] = (None, None)
    if bias is not None:
        biases = body.multi("Split", [body.op("Squeeze", bias, body.integers(0))], 2, num_outputs=2)
    found = []
    for index, ((integers, scales), part) in enumerate(zip((weights.w, weights.r), biases, strict=True)):
        whole = body.op("Squeeze", integers, body.integers(0))
        flat = body.op("Reshape", scales, body.integers(-1))
        matrix = Matrix(whole, flat, part, matrix_size(node, 1 + index))
        found.append(products.prepare(body, matrix, bounded=index == 1))
    return found


def _step(body: Body, weights: Weights, multiply: Sequence[Multiply], outputs: int) -> Sequence[ir.Value]:
    """x (1, B, in) and h (1, B, hidden) → Y (1, 1, B, hidden), Y_h."""
    h = weights.given(5)
    assert h is not None
    gates = [times(body, value) for times, value in zip(multiply, (weights.x, h), strict=True)]
    hidden = body.op("Constant", attributes=[ir.RefAttr("value_int", "hidden_size", ir.AttributeType.INT)])
    two = body.op("Mul", hidden, body.integers(2, 1))
    one = body.op("Mul", hidden, body.integers(1, 1))
    (zr_x, n_x), (zr_h, n_h) = (body.multi("Split", [part, two], 2, axis=-1) for part in gates)
    both = body.op("Sigmoid", body.op("Add", zr_x, zr_h))
    z, r = body.multi("Split", [both, one], 2, axis=-1)
    n = body.op("Tanh", body.op("Add", n_x, body.op("Mul", r, n_h)))
    new = body.op("Add", n, body.op("Mul", z, body.op("Sub", h, n)))
    return [body.op("Unsqueeze", new, body.integers(1)), new][:outputs]


def step_or_folded(kind: str, products: Products) -> WriteBody:
    """A body: `one_step` where there is one step, else the operator on folded weights."""

    def write(body: Body, weights: Weights, node: ir.Node) -> Sequence[ir.Value]:
        steps = body.op("Shape", weights.x, start=0, end=1)
        single = body.op("Equal", steps, body.integers(1))
        # Made outside the branches, where onnxruntime folds them.
        multiply = _multiplications(body, weights, node, products)
        wide = [widen(body, kind, weights.w), widen(body, kind, weights.r)]

        count = len(node.outputs)
        ranks = (4, 3)[:count]
        then, otherwise = body.inner(), body.inner()
        stepped = _step(then, weights, multiply, count)
        inputs = [weights.x, *wide, *weights.rest]
        whole = otherwise.multi(node.op_type, inputs, count, attributes=references(node))
        branches = [
            body.graph("then_branch", then, stepped, ranks),
            body.graph("else_branch", otherwise, whole, ranks),
        ]
        return body.multi("If", [single], count, attributes=branches)

    return write
