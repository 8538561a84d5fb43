"""Weights that repeat themselves are stored in fewer bytes: blocks of zeros are left out, and matrices of low
rank are two factors. Nothing is rounded.

Pruned and factored networks (`edgernn finetune --prune`, `--low-rank`) have such weights; what is stored is
found in the weights themselves, whatever made them so. onnxruntime restores them once, when it loads the
file: they compute as fast, and take as much memory, as any others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx_ir as ir

from edgernn.quantize.body import Body
from edgernn.quantize.compact.blocks import Blocks, find_blocks
from edgernn.quantize.compact.low_rank import LOW_RANK, find_factors, multiply
from edgernn.quantize.functions import DOMAIN, VERSION, make_function

# Smaller savings are not worth a node and its function: bytes, and a share of the weight.
_LEAST_BYTES, _LEAST_SHARE = 1000, 0.05
# Operators whose weight may be two factors, and the inputs that are weights.
_FACTORED = {"RNN": (1, 2), "LSTM": (1, 2), "GRU": (1, 2), "MatMul": (1,), "Gemm": (1,)}


def make_compact(model: ir.Model, *, pruned: bool) -> None:
    """Store the weights of a float32 model in fewer bytes where they allow it, in place.

    Args:
        model: the model.
        pruned: whether blocks of zeros are left out; a network that nobody pruned may have some too, such as
            its mel filters, and is better left in plain ONNX.
    """
    for value in list(model.graph.initializers.values()):
        array = _array(value)
        if array is None or array.dtype != np.float32 or not _is_matrix(value):
            continue
        found = find_factors(array)
        if found is not None and _pays(sum(part.nbytes for part in found), array):
            _replace(model, value, LOW_RANK, ("left", "right"), found, multiply)
    if pruned:
        leave_blocks_out(model)


def leave_blocks_out(model: ir.Model) -> dict[str, int]:
    """Store every tensor of a model without its blocks of zeros, where that saves bytes, in place.

    Returns:
        Which tensors, and the bytes that it saves of each.
    """
    saved = {}
    for value in list(model.graph.initializers.values()):
        array = _array(value)
        found = None if array is None else find_blocks(array)
        if array is not None and found is not None and _pays(found.bytes, array):
            saved[str(value.name)] = array.nbytes - found.bytes
            _replace(model, value, found.kind, Blocks.parts, found.arrays, found.restore)
    return saved


def restore(model: ir.Model, *, factors: bool) -> None:
    """Make initializers of compact weights again, in place; with `factors` of those of low rank too."""
    for node in list(model.graph):
        if node.domain != DOMAIN:
            continue
        parts = [_array(value) for value in node.inputs if value is not None]
        arrays = [part for part in parts if part is not None]
        if node.op_type == LOW_RANK and factors and len(arrays) == 2:
            _make_initializer(model.graph, node, np.matmul(*arrays))
        elif Blocks.is_kind(node.op_type):
            _make_initializer(model.graph, node, Blocks.from_arrays(node.op_type, arrays).array())
    called = {node.op_type for node in ir.traversal.RecursiveGraphIterator(model.graph) if node.domain}
    for identifier in [key for key in model.functions if key[1] not in called]:
        del model.functions[identifier]


def _pays(bytes_after: int, array: np.ndarray) -> bool:
    saved = array.nbytes - bytes_after
    return saved >= _LEAST_BYTES and saved >= _LEAST_SHARE * array.nbytes


def _array(value: ir.Value) -> np.ndarray | None:
    return None if value.const_value is None else value.const_value.numpy()


def _is_matrix(value: ir.Value) -> bool:
    """Whether operators of ONNX's own read it, all as the matrix of a product."""
    uses = list(value.uses())
    return bool(uses) and all(
        not use.node.domain and use.idx in _FACTORED.get(use.node.op_type, ()) for use in uses
    )


def _replace(
    model: ir.Model,
    value: ir.Value,
    kind: str,
    names: Sequence[str],
    arrays: Sequence[np.ndarray],
    write: Callable[[Body, Sequence[ir.Value]], ir.Value],
) -> None:
    """A call of a function that makes a weight of smaller tensors, in the weight's place and name."""
    graph, name = model.graph, str(value.name)
    graph.initializers.pop(name)
    body, inputs = Body(), [ir.val(part) for part in names]
    function = make_function(kind, inputs, [write(body, inputs)], body, model.opset_imports[""])
    model.functions.setdefault(function.identifier(), function)
    model.opset_imports[DOMAIN] = VERSION
    parts = []
    for part, array in zip(names, arrays, strict=True):
        parts.append(ir.val(f"{name}_{part}", const_value=ir.tensor(array, name=f"{name}_{part}")))
        graph.register_initializer(parts[-1])
    node = ir.Node(DOMAIN, kind, parts, name=f"{name}_{kind}")
    output = node.outputs[0]
    value.replace_all_uses_with(output)
    output.name, output.type, output.shape = name, value.type, value.shape
    graph.insert_before(graph[0], node)


def _make_initializer(graph: ir.Graph, node: ir.Node, array: np.ndarray) -> None:
    output, parts = node.outputs[0], list(node.inputs)
    name = str(output.name)
    whole = ir.val(name, const_value=ir.tensor(array, name=name))
    output.replace_all_uses_with(whole)
    graph.remove(node, safe=True)
    graph.register_initializer(whole)
    for part in parts:
        if part is not None and not part.uses():
            graph.initializers.pop(str(part.name), None)
