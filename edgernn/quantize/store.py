"""What schemes that store weights in fewer bits share: replacing weights, and telling of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgernn.quantize.batch_first import Around
from edgernn.quantize.body import CONTRIB, Body
from edgernn.quantize.functions import (
    DOMAIN,
    VERSION,
    WriteBody,
    add_function,
    call,
    recurrent_function,
    rest_of,
    widen_function,
)
from edgernn.quantize.kinds import matrices_of
from edgernn.quantize.report import TensorReport
from edgernn.quantize.weights import Weight, find_recurrent

# The initializers that one weight is stored as.
Stored = dict[ir.Value, tuple[ir.Value, ...]]


class Storage(ABC):
    """A way to store a weight in several smaller tensors.

    Attributes:
        name: for the report.
        kind: ends the names of functions; storages that are widened by different nodes differ in it.
        parts: what the tensors are called after the weight's own name.
    """

    name: str
    kind: str
    parts: tuple[str, ...]

    @abstractmethod
    def encode(self, weight: Weight) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
        """The tensors, and the float32 weight that they stand for."""

    @abstractmethod
    def widen(self, body: Body, parts: Sequence[ir.Value]) -> ir.Value:
        """Add nodes that make the float32 weight of the tensors; onnxruntime is to fold them."""


def store_weights(
    graph: ir.Graph, weights: Iterable[Weight], choose: Callable[[Weight], Storage]
) -> tuple[list[TensorReport], Stored, dict[ir.Value, Storage]]:
    """Add the tensors of every weight that can be quantized; nothing reads them yet."""
    reports: list[TensorReport] = []
    stored: Stored = {}
    storages: dict[ir.Value, Storage] = {}
    encoded: dict[ir.Value, _Encoded] = {}
    weights = list(weights)
    for weight in weights:
        if not weight.reason:
            storage = choose(weight)
            encoded[weight.value] = _Encoded(weight.array.nbytes, storage, *storage.encode(weight))
    for weight in weights:
        before = weight.array.nbytes
        found = encoded.get(weight.value)
        reason = weight.reason
        if found is not None and found.bytes >= before and not _saves_together(weight, encoded):
            reason = f"{found.storage.name} would take {found.bytes} bytes for its {before}"
        if found is None or reason:
            reports.append(TensorReport(*describe(weight), "float32", before, before, reason=reason))
            continue
        error = float(np.abs(weight.array - found.stands_for).max())
        reports.append(TensorReport(*describe(weight), found.storage.name, before, found.bytes, error))
        stored[weight.value] = tuple(
            initializer(graph, f"{weight.value.name}_{part}", array)
            for part, array in zip(found.storage.parts, found.arrays, strict=True)
        )
        storages[weight.value] = found.storage
    return reports, stored, storages


@dataclass(frozen=True, eq=False)
class _Encoded:
    """A weight as a storage has it, and how many bytes it had before."""

    before: int
    storage: Storage
    arrays: tuple[np.ndarray, ...]
    stands_for: np.ndarray

    @property
    def bytes(self) -> int:
        return sum(array.nbytes for array in self.arrays)


def _saves_together(weight: Weight, encoded: Mapping[ir.Value, _Encoded]) -> bool:
    """Whether the matrices of a recurrent layer, stored alike, save bytes together."""
    (reader, *more) = weight.readers
    matrices = matrices_of(reader)
    if more or not matrices:
        return False
    found = [encoded[value] for value in matrices if value in encoded]
    return (
        len(found) == len(matrices)
        and len({item.storage.kind for item in found}) == 1
        and sum(item.bytes for item in found) < sum(item.before for item in found)
    )


def replace_recurrent(
    model: ir.Model, stored: Stored, bodies: Mapping[ir.Node, tuple[str, Sequence[str], WriteBody]]
) -> None:
    """Make one function node of each recurrent node, all of whose matrices are stored.

    Args:
        model: changed in place.
        stored: from `store_weights`.
        bodies: for each node that is to become one, its function's suffix, the names of the parts of a
            matrix, and the body.
    """
    opset = model.opset_imports[""]
    for node in find_recurrent(model.graph):
        matrices = matrices_of(node)
        if node not in bodies or not all(value in stored for value in matrices):
            continue
        suffix, parts, write = bodies[node]
        around = Around.of(node)
        own = around.attributes
        function = recurrent_function(node, suffix, parts, opset, around.wrap(write), own)
        parts_of_matrices = [part for value in matrices for part in stored[value]]
        x, outputs, ranks, old_nodes = node.inputs[0], list(node.outputs), [4, 3, 3], [node]
        if around.before is not None:
            x = around.before.inputs[0]
        if around.after is not None:
            outputs[0], ranks[0] = around.after[1].outputs[0], 3
            old_nodes += around.after
        new = call(add_function(model, function), [x, *parts_of_matrices, *rest_of(node)], node, own)
        for old, fresh, rank in zip(outputs, new.outputs, ranks, strict=False):
            # onnx itself cannot infer what onnxruntime's own operators give.
            fresh.dtype, fresh.shape = ir.DataType.FLOAT, old.shape or ir.Shape([None] * rank)
        ir.convenience.replace_nodes_and_values(model.graph, node, old_nodes, [new], outputs, new.outputs)
        if around.before is not None and not around.before.outputs[0].uses():
            model.graph.remove(around.before, safe=True)


def widen_the_rest(model: ir.Model, stored: Stored, storages: Mapping[ir.Value, Storage]) -> None:
    """Give the readers that are left a float32 weight, widened once for all, and drop the old ones."""
    for value, parts in stored.items():
        if value.uses():
            add_widening(model, storages[value])
            node = ir.Node(DOMAIN, f"Weight_{storages[value].kind}", parts, name=f"{value.name}_widened")
            node.outputs[0].name = f"{value.name}_wide"
            node.outputs[0].type, node.outputs[0].shape = value.type, value.shape
            value.replace_all_uses_with(node.outputs[0])
            model.graph.insert_before(model.graph[0], node)
        model.graph.initializers.pop(value.name or "")
    for function in list(model.functions.values()):
        called = {node.op_type for node in function if node.domain == DOMAIN}
        for storage in storages.values():
            if f"Weight_{storage.kind}" in called:
                add_widening(model, storage)
    import_domains(model)
    for node in model.graph:
        if not node.domain:
            for value in node.outputs:
                if not value.is_graph_output():
                    # It can be inferred, and in a small file it is not little.
                    value.type = value.shape = None


def add_widening(model: ir.Model, storage: Storage) -> None:
    """Add the function that widens weights of a storage."""
    function = widen_function(storage.kind, storage.parts, model.opset_imports[""], storage.widen)
    model.functions.setdefault(function.identifier(), function)


def import_domains(model: ir.Model) -> None:
    """Declare the domains that the model's nodes and functions are of."""
    if model.functions:
        model.opset_imports[DOMAIN] = VERSION
    if any(CONTRIB in function.opset_imports for function in model.functions.values()):
        model.opset_imports[CONTRIB] = 1


def describe(weight: Weight) -> tuple[str, str, tuple[int, ...]]:
    """A weight's name, who reads it, and its shape, as a report begins."""
    reader = weight.readers[0]
    several = f" and {len(weight.readers) - 1} more" if len(weight.readers) > 1 else ""
    return str(weight.value.name), f"{reader.name} ({reader.op_type}){several}", weight.array.shape


def initializer(graph: ir.Graph, name: str, array: np.ndarray) -> ir.Value:
    """Add a tensor to the graph."""
    value = ir.val(name, const_value=ir.tensor(array, name=name))
    graph.register_initializer(value)
    return value
