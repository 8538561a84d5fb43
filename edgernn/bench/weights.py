"""How many bytes of weights an ONNX file holds, read without the onnx package.

An ONNX file is a protobuf message: a row of fields, each a number, a kind and a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

# ModelProto.graph and GraphProto.initializer; of TensorProto the fields that hold elements: float_data,
# int32_data, int64_data, raw_data, double_data and uint64_data.
_GRAPH, _INITIALIZER = 7, 5
_ELEMENTS = {4, 5, 7, 9, 10, 11}
_VARINT, _FIXED64, _LENGTH_DELIMITED, _FIXED32 = 0, 1, 2, 5


def weight_bytes(path: Path) -> int:
    """Bytes of all initializers of the file's graph: weights, biases and constants.

    `path` must be a file that onnxruntime has loaded, with its weights inside, as edgernn writes them.
    """
    total = 0
    for number, graph in _messages(memoryview(path.read_bytes())):
        if number == _GRAPH:
            for kind, tensor in _messages(graph):
                if kind == _INITIALIZER:
                    total += sum(len(value) for field, value in _messages(tensor) if field in _ELEMENTS)
    return total


def _messages(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The number and bytes of each field that has a length; the others are passed over."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, kind = divmod(tag, 8)
        if kind == _LENGTH_DELIMITED:
            size, position = _varint(data, position)
            yield number, data[position : position + size]
            position += size
        elif kind == _VARINT:
            _, position = _varint(data, position)
        else:
            position += {_FIXED64: 8, _FIXED32: 4}[kind]


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """An integer in groups of seven bits, the lowest first, and where the next field begins."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
