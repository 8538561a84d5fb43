"""A whole graph in half floats, for providers whose processors compute in them.

Inputs, outputs and states stay float32, and are cast inside. What ONNX has no half form of, and what is to be
kept, computes in float32 between casts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir

from edgernn.errors import QuantizationError
from edgernn.quantize.report import TensorReport
from edgernn.quantize.request import KEPT, Request, all_nodes

_FLOAT, _HALF = ir.DataType.FLOAT, ir.DataType.FLOAT16
# Loads a model as an app would, where a crash of onnxruntime stops nobody else.
_TRY = """
import sys, onnxruntime
options = onnxruntime.SessionOptions()
options.log_severity_level = 4
onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
"""


def make_half(model: ir.Model, request: Request) -> list[TensorReport]:
    """Change a float32 model to half floats inside, in place; tells of every weight what was done."""
    graph, opset = model.graph, model.opset_imports[""]
    floats = _float_values(model)
    kept = set(_kept_nodes(graph, request, opset, within=False))
    reports = []
    for value in graph.initializers.values():
        tensor, readers = value.const_value, [use.node for use in value.uses()]
        if tensor is None or tensor.dtype != _FLOAT:
            continue
        array = tensor.numpy()
        size, after, error, reason = array.nbytes, array.nbytes // 2, 0.0, ""
        if readers and kept.issuperset(readers):
            floats.discard(value)
            asked = request.keeps(value.name, *(node.name for node in readers))
            after, reason = size, KEPT if asked else f"{readers[0].op_type} computes in float32"
        else:
            rounded = _rounded(array)
            error = float(np.abs(array - rounded.astype(np.float32)).max(initial=0.0))
            value.const_value = ir.tensor(rounded, name=value.name)
            value.type = ir.TensorType(_HALF)
        if array.size > 1 and readers:
            about = (str(value.name), f"{readers[0].name} ({readers[0].op_type})", array.shape)
            reports.append(TensorReport(*about, "float32" if reason else "fp16", size, after, error, reason))
    for value in graph.inputs:
        if value in floats:
            _cast_readers(graph, value, floats, [use for use in value.uses() if use.node not in kept])
            floats.discard(value)
    half = [value for value in graph.outputs if value in floats and value.producer() not in kept]
    floats.difference_update(value for value in graph.outputs if value not in half)
    _convert(graph, floats, kept, opset)
    for index, value in enumerate(list(graph.outputs)):
        if value in half:
            _cast_output(graph, index, value)
    return reports


def computes_in_half(path: str | os.PathLike[str]) -> bool:
    """Whether anything is cast to half floats in a file; weights in half alone are cast from them."""
    nodes = all_nodes(ir.load(path).graph)
    return any(node.op_type == "Cast" and node.attributes["to"].as_int() == _HALF for node in nodes)


def check_loads(path: Path) -> None:
    """Raise QuantizationError where onnxruntime's code for processors cannot take a file."""
    done = subprocess.run(
        [sys.executable, "-c", _TRY, str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        reason = said[-1] if said else f"it stopped with signal {-done.returncode}"
        raise QuantizationError(
            f"compute=half: this onnxruntime cannot load the graph on a processor: {reason}. Export with "
            "--recurrence op, keep nodes in float32 (--keep NODE), or leave compute out: weights in half, "
            "computed in float32."
        )


def _kept_nodes(graph: ir.Graph, request: Request, opset: int, *, within: bool) -> Iterator[ir.Node]:
    """The nodes that compute in float32: as asked, those in their bodies, and because it must be so.

    onnxruntime 1.32 crashes at a product that reads a transposed tensor in half.
    """
    for node in graph:
        names = (node.name, *(value.name for value in node.inputs if value is not None))
        kept = within or request.keeps(*names) or (node.op_type == "Transpose" and not node.domain)
        if kept or _fixed_inputs(node, opset) is None:
            yield node
        for body in _bodies(node):
            yield from _kept_nodes(body, request, opset, within=kept)


def _convert(graph: ir.Graph, floats: set[ir.Value], kept: set[ir.Node], opset: int) -> None:
    """Every float that nodes of a graph, and of the bodies in it, make."""
    for node in list(graph):
        if node in kept:
            for index, value in enumerate(node.inputs):
                if value is not None and value in floats:
                    _widen_input(graph, node, index)
            for value in node.outputs:
                if value in floats:
                    floats.discard(value)
                    _cast_readers(graph, value, floats, list(value.uses()))
            continue
        for index in _fixed_inputs(node, opset) or ():
            _widen_input(graph, node, index)
        for name, attribute in list(node.attributes.items()):
            node.attributes[name] = _half_attribute(node, attribute)
        for body in _bodies(node):
            for value in body.inputs:
                if value in floats:
                    value.dtype = _HALF
            _convert(body, floats, kept, opset)
        for value in node.outputs:
            if value in floats:
                value.dtype = _HALF


def _bodies(node: ir.Node) -> Iterator[ir.Graph]:
    for attribute in node.attributes.values():
        if attribute.type == ir.AttributeType.GRAPH:
            yield attribute.as_graph()


def _fixed_inputs(node: ir.Node, opset: int) -> set[int] | None:
    """The inputs that ONNX wants in float32; None where the whole operator has no half form."""
    import onnx

    if node.domain:
        return set()  # a function, whose body takes any type
    schema = onnx.defs.get_schema(node.op_type, opset, node.domain)
    allowed = {item.type_param_str: set(item.allowed_type_strs) for item in schema.type_constraints}
    fixed = set()
    for index, value in enumerate(node.inputs):
        formal = schema.inputs[min(index, len(schema.inputs) - 1)]
        types = allowed.get(formal.type_str, {formal.type_str})
        if value is not None and "tensor(float)" in types and "tensor(float16)" not in types:
            if formal.type_str in allowed:
                return None
            fixed.add(index)
    return fixed


def _half_attribute(node: ir.Node, attribute: ir.Attr) -> ir.Attr:
    """An attribute that says float32, or holds it, for half."""
    if attribute.type == ir.AttributeType.TENSOR and attribute.as_tensor().dtype == _FLOAT:
        return ir.AttrTensor(attribute.name, ir.tensor(_rounded(attribute.as_tensor().numpy())))
    if node.op_type == "Constant" and attribute.name in ("value_float", "value_floats"):
        array = np.array(attribute.value, np.float32)
        return ir.AttrTensor("value", ir.tensor(_rounded(array)))
    names_type = attribute.type == ir.AttributeType.INT and attribute.name in ("to", "dtype")
    if names_type and attribute.as_int() == _FLOAT:
        return ir.AttrInt64(attribute.name, int(_HALF))
    return attribute


def _rounded(array: np.ndarray) -> np.ndarray:
    """What is beyond the largest half float becomes that."""
    limit = np.finfo(np.float16).max
    half: np.ndarray = np.clip(array, -limit, limit).astype(np.float16)
    return half


def _widen_input(graph: ir.Graph, node: ir.Node, index: int) -> None:
    cast = ir.node("Cast", [node.inputs[index]], {"to": int(_FLOAT)}, name=f"{node.name}_float_{index}")
    graph.insert_before(node, cast)
    node.replace_input_with(index, cast.outputs[0])


def _cast_readers(graph: ir.Graph, value: ir.Value, floats: set[ir.Value], uses: Sequence[Any]) -> None:
    """These readers of a float32 value read it in half."""
    if not uses:
        return
    cast = ir.node("Cast", [value], {"to": int(_HALF)}, name=f"{value.name}_half")
    cast.outputs[0].name = cast.name
    cast.outputs[0].dtype = _HALF
    producer = value.producer()
    if producer is None:
        graph.insert_before(graph[0], cast)
    else:
        graph.insert_after(producer, cast)
    for use in uses:
        use.node.replace_input_with(use.idx, cast.outputs[0])
    floats.add(cast.outputs[0])


def _cast_output(graph: ir.Graph, index: int, value: ir.Value) -> None:
    """An output of the graph in float32, made of half."""
    name = str(value.name)
    cast = ir.node("Cast", [value], {"to": int(_FLOAT)}, name=f"{name}_float")
    output = cast.outputs[0]
    output.type, output.shape = ir.TensorType(_FLOAT), value.shape
    value.name, output.name = f"{name}_half", name
    graph.append(cast)
    graph.outputs[index] = output


def _float_values(model: ir.Model) -> set[ir.Value]:
    """Every value whose elements are float32, bodies included."""
    from onnx_ir.passes.common import ShapeInferencePass

    ShapeInferencePass()(model)
    found: set[ir.Value] = set()
    for node in ir.traversal.RecursiveGraphIterator(model.graph):
        found.update(value for value in (*node.inputs, *node.outputs) if value is not None)
        for body in _bodies(node):
            found.update(body.inputs)
    return {value for value in found if value.dtype == _FLOAT}
