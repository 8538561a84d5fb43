"""What the manifest says of a graph's tensors: from the graph, the example, and what only the user knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import onnx_ir as ir
from torch import Tensor

from edgernn.capture import Captured, InputInfo
from edgernn.errors import ExportError, InputError
from edgernn.manifest import Manifest, TensorSpec
from edgernn.streaming import OutputTime


def input_spec(item: InputInfo, value: ir.Value) -> TensorSpec:
    """The spec of an input, its range included where it holds integers."""
    spec = tensor_spec(value, item.time_dim)
    if item.example.is_floating_point() or item.example.numel() == 0:
        return spec
    # Integers index something, so only the values seen are known to be right.
    return TensorSpec(
        **{**vars(spec), "minimum": float(item.example.min()), "maximum": float(item.example.max())}
    )


def output_spec(value: ir.Value, time: OutputTime) -> TensorSpec:
    """The spec of an output: where time is in it, and how it stands to the input's."""
    size = None if time.dim is None or value.shape is None else value.shape[time.dim]
    if size is not None and not isinstance(size, int) and (time.hop, time.upsampling) != (1, 1):
        # torch writes what it computed of the chunk's length, such as ((time - 1)//2) + 1.
        name = f"time//{time.hop}" if time.upsampling == 1 else f"time*{time.upsampling}//{time.hop}"
        assert value.shape is not None
        assert time.dim is not None
        value.shape[time.dim] = name
    spec = tensor_spec(value, time.dim)
    return replace(spec, hop=time.hop, upsampling=time.upsampling, delay=time.delay)


def sequence_output_times(captured: Captured) -> tuple[OutputTime, ...]:
    """For each output of a traced module, the dimension that grows with the inputs' time."""
    shapes = {
        node.name: node.meta["val"].shape
        for node in captured.program.graph.nodes
        if "val" in node.meta and isinstance(node.meta["val"], Tensor)
    }
    signature = captured.program.graph_signature
    sizes = {
        str(shapes[str(name)][info.time_dim])
        for name, info in zip(signature.user_inputs, captured.inputs, strict=True)
        if info.time_dim is not None
    }
    times = []
    for name in signature.user_outputs:
        if name is None:  # the forward returned None among its tensors
            continue
        shape = [str(size) for size in shapes[str(name)]]
        # A stride or a missing padding leaves an expression of the inputs' time.
        found = [dim for dim, size in enumerate(shape) if size in sizes] or [
            dim
            for dim, size in enumerate(shape)
            if any(not whole.isdigit() and whole in size for whole in sizes)
        ]
        times.append(OutputTime(found[0] if found else None))
    return tuple(times)


def tensor_spec(value: ir.Value, time_dim: int | None) -> TensorSpec:
    """The spec of a graph's tensor. Raises ExportError where its type or shape is not known."""
    if value.dtype is None or value.shape is None or value.name is None:
        raise ExportError(f"tensor {value.name!r} has no known type and shape.")
    dims = tuple(size if isinstance(size, int) else str(size.value) for size in value.shape)
    return TensorSpec(value.name, str(value.dtype.numpy()), dims, time_dim)


def with_metadata(manifest: Manifest, metadata: Mapping[str, object]) -> Manifest:
    """Fill fields that only the user knows: task, labels, sample_rate, unit, …"""
    fields = dict(metadata)
    tensors = {name: fields.pop(name, None) for name in ("unit", "output_unit", "features", "outputs")}
    allowed = {"task", "labels", "vocabulary", "tokenizer", "normalization", "sample_rate", "scores"}
    unknown = sorted(set(fields) - allowed)
    if unknown:
        raise InputError(f"metadata: {unknown[0]!r} is unknown; use {sorted(allowed | set(tensors))}.")
    changes: dict[str, object] = {
        name: tuple(value) if name in ("labels", "vocabulary") else value  # type: ignore[arg-type]
        for name, value in fields.items()
    }
    rate = fields.get("sample_rate")
    first = _described(manifest.inputs[0], tensors["unit"], tensors["features"], rate)
    result = _described(manifest.outputs[0], tensors["output_unit"], tensors["outputs"], None)
    changes["inputs"] = (first, *manifest.inputs[1:])
    changes["outputs"] = (result, *manifest.outputs[1:])
    return manifest.with_(**changes)


def _described(spec: TensorSpec, unit: object, names: object, rate: object) -> TensorSpec:
    """A tensor's spec with what the user knows of it."""
    layout = ", ".join(str(name) for name in names) if isinstance(names, list | tuple) else ""
    return replace(
        spec,
        unit=str(unit or ""),
        layout=layout,
        sample_rate=None if rate is None else float(str(rate)),
    )
