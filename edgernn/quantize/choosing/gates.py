"""What each gate of a recurrent operator costs: its rows of the weights rounded, all others as they were."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx_ir as ir

from edgernn.quantize.choosing.plan import Rung
from edgernn.quantize.fold import load_folded
from edgernn.quantize.kinds import kind_of, matrices_of
from edgernn.quantize.kinds.base import V
from edgernn.quantize.weights import Weight, find_recurrent


def gate_models(path: str, node_name: str, rung: Rung) -> Iterator[tuple[str, ir.Model]]:
    """Gate by gate, the float32 model with the rows of this gate in W and R rounded.

    There is none for another node than a recurrent operator, or a scheme that does not round weights one by
    one.
    """
    if not hasattr(rung.rule, "storage_of"):
        return
    for index in range(_gate_count(path, node_name)):
        model = load_folded(path)
        node = next(item for item in find_recurrent(model.graph) if item.name == node_name)
        names, matrices = _gates(node), _gated(node)
        size = sum(value.const_value.size for value in matrices if value.const_value)
        for value in matrices:
            assert value.const_value is not None
            array = value.const_value.numpy().copy()
            weight = Weight(value, (node,), (2,))
            rounded = rung.rule.storage_of(weight, size, rung.options).encode(weight)[1]
            rows = array.shape[1] // len(names)
            part = slice(index * rows, (index + 1) * rows)
            array[:, part] = rounded[:, part]
            value.const_value = ir.tensor(np.ascontiguousarray(array), name=value.name)
        yield names[index], model


def _gate_count(path: str, node_name: str) -> int:
    """Gates of the operator of that name; 0 where it is none, or its weights are no constants."""
    for node in find_recurrent(load_folded(path).graph):
        if node.name == node_name and all(value.const_value is not None for value in matrices_of(node)):
            return len(_gates(node))
    return 0


def _gates(node: ir.Node) -> tuple[str, ...]:
    kind = kind_of(node)
    assert kind is not None
    return kind.gate_names


def _gated(node: ir.Node) -> list[ir.Value]:
    """The matrices that have rows for every gate."""
    kind = kind_of(node)
    assert kind is not None
    return [value for index, value in zip(kind.matrices, matrices_of(node), strict=True) if index != V]
