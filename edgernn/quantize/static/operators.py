"""Which operators an accelerator computes on 8-bit tensors, and which of their inputs are data."""

from __future__ import annotations

from collections.abc import Iterator

import onnx_ir as ir

from edgernn.quantize.kinds import kinds

# Operators that compute; each tensor they read or make has a scale.
COMPUTE = {
    "Add", "AveragePool", "Clip", "Conv", "ConvTranspose", "Div", "Gemm", "GlobalAveragePool", "HardSigmoid",
    "LeakyRelu", "MatMul", "Mul", "PRelu", "ReduceMean", "Relu", "Sigmoid", "Softmax", "Sub", "Tanh",
}  # fmt: skip
# Operators that only move values; what they make has the scale of what they read, so that nothing is rounded
# twice. Operator → the inputs that are values; the others are positions, sizes or conditions.
MOVE: dict[str, slice] = {
    "Concat": slice(None),
    "Expand": slice(0, 1),
    "Flatten": slice(0, 1),
    "Gather": slice(0, 1),
    "Identity": slice(0, 1),
    "MaxPool": slice(0, 1),
    "Reshape": slice(0, 1),
    "Slice": slice(0, 1),
    "Split": slice(0, 1),
    "Squeeze": slice(0, 1),
    "Tile": slice(0, 1),
    "Transpose": slice(0, 1),
    "Unsqueeze": slice(0, 1),
    "Where": slice(1, 3),
}
# Operators whose weights have a scale for each channel, and whose bias is added to the 32-bit sum.
WEIGHTED = {"Conv", "Gemm", "MatMul"}
# What these give has a range up to 1 whatever was seen: with a narrower one, onnxruntime 1.17's
# QLinearSoftmax wraps around to zero in place of clipping.
PROBABILITIES = {"Softmax"}
# What an operator gives at the least and at the most, whatever it reads.
BOUNDS = {"HardSigmoid": (0.0, 1.0), "Sigmoid": (0.0, 1.0), "Softmax": (0.0, 1.0), "Tanh": (-1.0, 1.0)}
# A whole recurrence in one node: nothing inside it can be given a scale.
RECURRENCES = (*kinds(), "Scan", "Loop")


def is_quantized(node: ir.Node) -> bool:
    """Whether the operator computes on 8-bit tensors."""
    return not node.domain and (node.op_type in COMPUTE or node.op_type in MOVE)


def data_inputs(node: ir.Node) -> Iterator[tuple[int, ir.Value]]:
    """Position and value of each input that holds data: not positions, sizes, conditions, absent ones."""
    chosen = range(len(node.inputs))[MOVE.get(node.op_type, slice(None))]
    for index in chosen:
        value = node.inputs[index]
        if value is not None:
            yield index, value


def constant(value: ir.Value) -> ir.TensorProtocol | None:
    """The value of an initializer; None for any other value."""
    return value.const_value if value.is_initializer() else None
