"""Looking into a written file with plain onnx."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import GraphProto, ModelProto, NodeProto, numpy_helper
from torch import Tensor, nn

import edgernn

RECURRENT = {"RNN", "LSTM", "GRU"}


class Head(nn.Module):
    """Recurrent layers, and a linear layer on every step."""

    def __init__(self, recurrent: nn.Module, hidden: int = 4) -> None:
        super().__init__()
        self.recurrent = recurrent
        self.head = nn.Linear(hidden, 2)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.recurrent(x)
        return self.head(y)


def write(module: nn.Module, folder: Path, example: Any = None, **options: Any) -> ModelProto:
    """Export without comparing, and read the file."""
    path = folder / "model.onnx"
    options.setdefault("check", False)
    edgernn.export(module, path, torch.randn(1, 5, 3) if example is None else example, **options)
    return onnx.load(path)


def op_types(graph: GraphProto) -> list[str]:
    return [node.op_type for node in graph.node]


def bodies(graph: GraphProto) -> Iterator[GraphProto]:
    """The bodies of Scan and Loop."""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield attribute.g


def only(graph: GraphProto, op_type: str) -> NodeProto:
    (node,) = [node for node in graph.node if node.op_type == op_type]
    return node


def constants(graph: GraphProto) -> dict[str, Any]:
    return {item.name: numpy_helper.to_array(item) for item in graph.initializer}


def dims(values: Any) -> dict[str, tuple[int | str, ...]]:
    """Names and dimensions of inputs or outputs."""
    return {
        value.name: tuple(dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim)
        for value in values
    }
