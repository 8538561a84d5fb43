"""The nodes of a file as an execution provider is asked about them: functions inlined, shapes inferred."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx_ir as ir

from edgernn.errors import ModelError
from edgernn.files import existing_file
from edgernn.quantize.functions import inline

# Computed once, when the file is loaded, where all inputs are constants; onnxruntime leaves these alone.
_NEVER_FOLDED = {"QuantizeLinear", "DequantizeLinear", "If", "Loop", "Scan"}


@dataclass(frozen=True)
class Tensor:
    """A tensor that a node reads or writes.

    Attributes:
        name: its name in the graph.
        dtype: e.g. "float32"; empty where it is not known.
        shape: a number, or a name, for each dimension; None where not even their number is known.
        constant: whether it is the same in every run.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...] | None
    constant: bool

    @property
    def fixed(self) -> bool:
        """Whether every dimension is a number."""
        return self.constant or (self.shape is not None and all(isinstance(size, int) for size in self.shape))


@dataclass(frozen=True)
class Node:
    """A node.

    Attributes:
        name: unique in the file.
        op: operator, e.g. "GRU".
        domain: empty for ONNX's own operators.
        attributes: by name; graphs are left out.
        inputs: None in the place of an absent one.
        outputs: those that are there.
        body_of: operator of the node whose body this one stands in; empty in the main graph.
    """

    name: str
    op: str
    domain: str
    attributes: Mapping[str, Any]
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    body_of: str = ""

    def has_input(self, index: int) -> bool:
        """Whether input `index` is given."""
        return index < len(self.inputs) and self.inputs[index] is not None


@dataclass(frozen=True)
class FlatGraph:
    """What a provider sees of a file.

    Attributes:
        model: the graph, its functions inlined, every node with a name of its own.
        nodes: those that a provider is asked about, bodies of Scan, Loop and If included.
        folded: how many nodes are left out because they only depend on constants.
    """

    model: ir.Model
    nodes: tuple[Node, ...]
    folded: int


def read_graph(path: Path) -> FlatGraph:
    """Read a file. Raises InputError where there is none, ModelError where it is no ONNX model."""
    file = existing_file(path, "model")
    try:
        model = ir.load(file)
    except Exception as error:
        raise ModelError(
            f"{str(file)!r} is not an ONNX file, or is damaged. Check that it was copied whole."
        ) from error
    return flatten(model)


def flatten(model: ir.Model) -> FlatGraph:
    """A model as a provider sees it; changes the model."""
    inline(model)
    _infer_shapes(model)
    constants = set(model.graph.initializers.values())
    _name_nodes(model)
    nodes: list[Node] = []
    folded = 0
    for node, body_of in _walk(model.graph, ""):
        constants |= set(node.graph.initializers.values()) if isinstance(node.graph, ir.Graph) else set()
        inputs = [value for value in node.inputs if value is not None]
        if _is_folded(node, inputs, constants):
            constants |= set(node.outputs)
            folded += 1
            continue
        nodes.append(_view(node, body_of, constants))
    return FlatGraph(model, tuple(nodes), folded)


def _is_folded(node: ir.Node, inputs: list[ir.Value], constants: set[ir.Value]) -> bool:
    """Whether onnxruntime computes a node when it loads the file."""
    if node.op_type == "Constant":
        return True
    if node.op_type == "Shape":
        return _tensor(inputs[0], constants).fixed
    return bool(inputs) and constants.issuperset(inputs) and node.op_type not in _NEVER_FOLDED


def _infer_shapes(model: ir.Model) -> None:
    # It logs where a contrib operator is unknown to it; such shapes stay unknown.
    logger = logging.getLogger("onnx_ir")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        ir.passes.common.ShapeInferencePass(check_type=False, strict_mode=False, data_prop=True)(model)
    finally:
        logger.setLevel(before)


def _name_nodes(model: ir.Model) -> None:
    """Give every node a name of its own: inlining repeats them."""
    taken: set[str] = set()
    for node in model.graph.all_nodes():
        name, number = node.name or node.op_type, 1
        while name in taken:
            number += 1
            name = f"{node.name or node.op_type}_{number}"
        node.name = name
        taken.add(name)


def _walk(graph: ir.Graph, body_of: str) -> Iterator[tuple[ir.Node, str]]:
    for node in graph:
        yield node, body_of
        for attribute in node.attributes.values():
            if attribute.type == ir.AttributeType.GRAPH:
                yield from _walk(attribute.as_graph(), node.op_type)


def _view(node: ir.Node, body_of: str, constants: set[ir.Value]) -> Node:
    return Node(
        name=str(node.name),
        op=node.op_type,
        domain="" if node.domain == "ai.onnx" else node.domain,
        attributes={
            name: attribute.value
            for name, attribute in node.attributes.items()
            if attribute.type not in (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS)
        },
        inputs=tuple(None if value is None else _tensor(value, constants) for value in node.inputs),
        outputs=tuple(_tensor(value, constants) for value in node.outputs if value.name),
        body_of=body_of,
    )


def _tensor(value: ir.Value, constants: set[ir.Value]) -> Tensor:
    shape = None
    if value.shape is not None:
        shape = tuple(
            size if isinstance(size, int) else str(size.value) if size.value else "?" for size in value.shape
        )
    dtype = "" if value.dtype is None else str(value.dtype.numpy())
    return Tensor(str(value.name), dtype, shape, value in constants)
