"""int8: weights rounded to 8 bits, one scale a channel; activations and states stay float32.

A recurrent layer becomes one node that is a function of the domain `edgernn`, e.g. GRU_int8. Other weights
(linear, convolution, embedding, cells written as Scan, Loop or unrolled) are stored as int8 and widened once.
Results do not depend on chunks, batch or threads more than the float32 file's do.
"""

from __future__ import annotations

import onnx_ir as ir

from edgernn.quantize.functions import DOMAIN, VERSION, call, recurrent_function, widen_function
from edgernn.quantize.report import TensorReport
from edgernn.quantize.request import Request
from edgernn.quantize.weights import RECURRENT, Weight, find_weights, round_int8

NAME = "int8"


def apply(model: ir.Model, request: Request) -> list[TensorReport]:
    """Quantize a model in place; tells of every weight what was done."""
    graph, opset = model.graph, model.opset_imports[""]
    weights = list(find_weights(graph, request))
    reports = []
    stored: dict[ir.Value, tuple[ir.Value, ir.Value]] = {}
    for weight in weights:
        if weight.reason:
            size = weight.array.nbytes
            reports.append(TensorReport(*_names(weight), "float32", size, size, 0.0, weight.reason))
            continue
        integers, scales = round_int8(weight.array, weight.axes)
        error = float(abs(weight.array - integers * scales).max())
        after = integers.nbytes + scales.nbytes
        reports.append(TensorReport(*_names(weight), NAME, weight.array.nbytes, after, error))
        stored[weight.value] = (
            _initializer(graph, f"{weight.value.name}_int8", integers),
            _initializer(graph, f"{weight.value.name}_scale", scales),
        )
    for node in [node for node in graph if node.op_type in RECURRENT and not node.domain]:
        _replace_recurrent(model, node, stored, opset)
    for value, (integers_value, scales_value) in stored.items():
        if value.uses():
            _widen_once(model, value, integers_value, scales_value, opset)
        graph.initializers.pop(value.name or "")
    if stored:
        model.opset_imports[DOMAIN] = VERSION
    return reports


def _names(weight: Weight) -> tuple[str, str, tuple[int, ...]]:
    reader = weight.readers[0]
    several = f" and {len(weight.readers) - 1} more" if len(weight.readers) > 1 else ""
    return str(weight.value.name), f"{reader.name} ({reader.op_type}){several}", weight.array.shape


def _initializer(graph: ir.Graph, name: str, array: object) -> ir.Value:
    value = ir.val(name, const_value=ir.tensor(array, name=name))  # type: ignore[arg-type]
    graph.register_initializer(value)
    return value


def _replace_recurrent(
    model: ir.Model, node: ir.Node, stored: dict[ir.Value, tuple[ir.Value, ir.Value]], opset: int
) -> None:
    """One function node for one recurrent node, where both its matrices were rounded."""
    x, w, r, *rest = node.inputs
    if w not in stored or r not in stored:
        return
    function = recurrent_function(node, NAME, opset)
    model.functions.setdefault(function.identifier(), function)
    new = call(function, [x, *stored[w], *stored[r], *rest], node)
    ir.convenience.replace_nodes_and_values(model.graph, node, [node], [new], node.outputs, new.outputs)


def _widen_once(model: ir.Model, value: ir.Value, integers: ir.Value, scales: ir.Value, opset: int) -> None:
    """One node that widens a weight for all its readers, those within bodies included."""
    function = widen_function(NAME, opset)
    model.functions.setdefault(function.identifier(), function)
    node = ir.Node(DOMAIN, function.name, [integers, scales], name=f"{value.name}_widened")
    node.outputs[0].name = f"{value.name}_wide"
    node.outputs[0].type, node.outputs[0].shape = value.type, value.shape
    value.replace_all_uses_with(node.outputs[0])
    first = model.graph[0]
    model.graph.insert_before(first, node)
