"""A model with the batch as the first dimension of every input, output and state, as servers want it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import onnx
import onnx_ir as ir

from edgernn.manifest import Manifest

Dims = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """The model, and the dimensions of its tensors: without the batch where it is batched.

    Attributes:
        model: the file's bytes.
        batched: whether every tensor has a free batch.
        input_dims, output_dims, state_dims: in the manifest's order; -1 where free.
    """

    model: bytes
    batched: bool
    input_dims: tuple[Dims, ...]
    output_dims: tuple[Dims, ...]
    state_dims: tuple[Dims, ...]


def with_batch_first(model: bytes, manifest: Manifest) -> Layout:
    """The model with a Transpose around every tensor whose batch stands elsewhere.

    A model with a tensor that has no free batch stays as it is, and each call of it takes one stream.
    """
    kinds = (
        [spec.dims for spec in manifest.inputs],
        [spec.dims for spec in manifest.outputs],
        [state.dims for state in manifest.states],
    )
    if not all("batch" in dims for kind in kinds for dims in kind):
        whole = [tuple(tuple(_size(dim) for dim in dims) for dims in kind) for kind in kinds]
        return Layout(model, False, *whole)
    rows = [tuple(_beside_batch(dims) for dims in kind) for kind in kinds]
    axes = {spec.name: spec.dims.index("batch") for spec in (*manifest.inputs, *manifest.outputs)}
    for state in manifest.states:
        axes |= dict.fromkeys((state.input, state.output), state.dims.index("batch"))
    return Layout(_adapted(model, axes), True, *rows)


def _beside_batch(dims: tuple[int | str, ...]) -> Dims:
    return tuple(_size(dim) for dim in dims if dim != "batch") or (1,)


def _size(dim: int | str) -> int:
    return dim if isinstance(dim, int) else 1 if dim == "batch" else -1


def _adapted(data: bytes, axes: dict[str, int]) -> bytes:
    """The model with each named tensor's dimension `axes[name]` moved to the front.

    A tensor of the batch alone gets a second dimension of 1, since a server's tensors have one.
    """
    model: ir.Model = ir.from_proto(onnx.load_model_from_string(data))
    graph = model.graph
    for index, value in enumerate(list(graph.inputs)):
        _, back = _nodes(value, axes)
        if back is None:
            continue
        outside = ir.Value(name=value.name, type=value.type, shape=_outside(value, axes))
        value.name = f"{value.name}_inside"
        inside = ir.Value(name=value.name, type=value.type, shape=value.shape)
        value.replace_all_uses_with(inside)
        graph.inputs[index] = outside
        graph.insert_before(graph[0], back(outside, inside))
    for index, value in enumerate(list(graph.outputs)):
        front, _ = _nodes(value, axes)
        if front is None:
            continue
        outside = ir.Value(name=value.name, type=value.type, shape=_outside(value, axes))
        value.name = f"{value.name}_inside"
        graph.extend(front(value, outside))
        graph.outputs[index] = outside
    return bytes(ir.to_proto(model).SerializeToString())


Make = Callable[[ir.Value, ir.Value], list[ir.Node]]


def _nodes(value: ir.Value, axes: dict[str, int]) -> tuple[Make | None, Make | None]:
    """What makes the nodes that move a tensor's batch to the front, and back; None where it stands there."""
    axis, rank = axes[value.name or ""], _rank(value)
    if rank == 1:
        return _reshape("Unsqueeze"), _reshape("Squeeze")
    if axis == 0:
        return None, None
    return _transpose(_to_front(axis, rank)), _transpose(_from_front(axis, rank))


def _transpose(order: list[int]) -> Make:
    return lambda source, target: [ir.node("Transpose", [source], {"perm": order}, outputs=[target])]


def _reshape(operator: str) -> Make:
    def make(source: ir.Value, target: ir.Value) -> list[ir.Node]:
        axes = ir.node("Constant", [], {"value_ints": [1]})
        axes.outputs[0].name = f"{source.name}_{operator}_axes"
        return [axes, ir.node(operator, [source, axes.outputs[0]], outputs=[target])]

    return make


def _outside(value: ir.Value, axes: dict[str, int]) -> ir.Shape:
    assert value.shape is not None
    if _rank(value) == 1:
        return ir.Shape([value.shape[0], 1])
    return ir.Shape([value.shape[index] for index in _to_front(axes[value.name or ""], _rank(value))])


def _rank(value: ir.Value) -> int:
    assert value.shape is not None  # the manifest was held against the graph
    return len(value.shape)


def _to_front(axis: int, rank: int) -> list[int]:
    return [axis, *(index for index in range(rank) if index != axis)]


def _from_front(axis: int, rank: int) -> list[int]:
    return [index + 1 if index < axis else 0 if index == axis else index for index in range(rank)]
