"""A torch module → an ONNX model and its manifest, in memory."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx_ir as ir
import torch
from torch import Tensor, nn

from edgernn.capture import BATCH, Captured, capture
from edgernn.errors import InputError
from edgernn.graph import passes
from edgernn.graph.passes.fixed_batch import FixBatch, with_one_row
from edgernn.graph.recurrence import find_form
from edgernn.graph.specs import input_spec, output_spec, sequence_output_times, with_metadata
from edgernn.graph.translate import name_interface, translate
from edgernn.graph.write import summary, write_recurrences
from edgernn.manifest import METADATA_KEY, Manifest, StateSpec
from edgernn.streaming import StreamingProgram, make_streaming

# onnxruntime 1.17, the oldest supported, reads operator set 20 and file format 9.
DEFAULT_OPSET = 18
LOWEST_OPSET, HIGHEST_OPSET = 18, 23
_IR_VERSIONS = {18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11}


@dataclass(frozen=True)
class Built:
    """A model in memory, not yet proven: `edgernn.export` proves and writes it."""

    model: ir.Model
    manifest: Manifest


def build(
    model: nn.Module,
    example_inputs: Tensor | Sequence[Tensor],
    *,
    recurrence: str = "auto",
    streaming: bool = False,
    chunk: int | None = None,
    time_dim: int = 1,
    dims: Mapping[str, Sequence[str | None]] | None = None,
    length: int | None = None,
    opset: int = DEFAULT_OPSET,
    output_names: Sequence[str] | None = None,
    metadata: Mapping[str, object] | None = None,
    lookahead: int | None = None,
    running_mean: bool = False,
    fix_batch: bool = False,
    kernels: bool = False,
) -> Built:
    """Write a module as ONNX. The arguments are those of `edgernn.export`.

    With `kernels` the recurrence of a cell that ONNX has no operator for is a node that only edgernn names,
    of which the caller makes a function.
    """
    if recurrence != "auto":
        find_form(recurrence)
    if isinstance(opset, bool) or opset not in _IR_VERSIONS:
        raise InputError(f"opset: {opset!r}; use {LOWEST_OPSET} to {HIGHEST_OPSET}.")
    steps = _fixed_steps(recurrence, streaming, chunk, length, example_inputs, time_dim)
    captured = capture(
        model, example_inputs, time_dim=time_dim, dims=dims, fixed_time=None if streaming else steps
    )
    if streaming:
        if lookahead is None:
            lookahead = getattr(model, "accepts_lookahead", 0)
        stream = make_streaming(captured, chunk=steps, lookahead=lookahead, running_mean=running_mean)
    else:
        stream = StreamingProgram(captured.program, (), sequence_output_times(captured))
    onnx_model = translate(stream.program, opset)
    names = _output_names(captured.output_names, output_names, {item.name for item in captured.inputs})
    state_inputs = [state.input for state in stream.states]
    name_interface(
        onnx_model,
        [*(item.name for item in captured.inputs), *state_inputs],
        [
            *(item.dims for item in captured.inputs),
            *(tuple(BATCH if dim == BATCH else None for dim in state.dims) for state in stream.states),
        ],
        [*names, *(state.output for state in stream.states)],
    )
    layers = write_recurrences(onnx_model, recurrence, steps=steps, opset=opset, kernels=kernels)
    passes.clean(onnx_model)
    onnx_model.ir_version = _IR_VERSIONS[opset]
    onnx_model.producer_name, onnx_model.producer_version = "edgernn", importlib.metadata.version("edgernn")
    onnx_model.graph.name = type(model).__name__
    manifest = Manifest(
        inputs=tuple(
            input_spec(item, value)
            for item, value in zip(captured.inputs, onnx_model.graph.inputs, strict=False)
        ),
        outputs=tuple(
            output_spec(value, time)
            for value, time in zip(onnx_model.graph.outputs, stream.outputs, strict=False)
        ),
        recurrence=summary(layers),
        streaming=streaming,
        states=stream.states,
        layers=layers,
        chunk=steps if streaming else None,
        hop=stream.hop,
        lookahead_steps=stream.lookahead,
        weights_sha256=weights_digest(model),
        versions=_versions(),
        opset=opset,
    )
    if metadata:
        manifest = with_metadata(manifest, metadata)
    if fix_batch:
        FixBatch()(onnx_model)
        manifest = with_one_row(manifest)
    attach(onnx_model, manifest)
    passes.check(onnx_model)
    return Built(onnx_model, manifest)


def attach(model: ir.Model, manifest: Manifest) -> None:
    """Put a manifest into a model's metadata."""
    model.metadata_props[METADATA_KEY] = manifest.to_json()


def _fixed_steps(
    recurrence: str,
    streaming: bool,
    chunk: int | None,
    length: int | None,
    example_inputs: Tensor | Sequence[Tensor],
    time_dim: int,
) -> int | None:
    """The fixed number of time steps of the graph, None where time is free."""
    for name, value in (("chunk", chunk), ("length", length)):
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise InputError(f"{name}: must be an integer ≥ 1, found {value!r}.")
    if streaming:
        if length is not None:
            raise InputError("length: a streaming graph has no length; pass chunk= for its steps a push.")
        return 1 if chunk is None and recurrence == "unrolled" else chunk
    if chunk is not None:
        raise InputError("chunk: only a streaming graph takes chunks; pass streaming=True, or length=.")
    if length is None and recurrence == "unrolled":
        first = example_inputs if isinstance(example_inputs, Tensor) else example_inputs[0]
        return int(first.shape[time_dim])
    return length


def _output_names(default: Sequence[str], given: Sequence[str] | None, inputs: set[str]) -> list[str]:
    """The outputs' names. An output that the module calls like an input, which ONNX forbids, ends in _out."""
    if given is None:
        return [f"{name}_out" if name in inputs else name for name in default]
    names = list(given)
    if len(names) != len(default):
        raise InputError(f"output_names: {len(names)} names for {len(default)} outputs {list(default)}.")
    if len(set(names)) != len(names):
        raise InputError(f"output_names: {names} holds a name twice.")
    if set(names) & inputs:
        raise InputError(f"output_names: {min(set(names) & inputs)!r} is an input's name already.")
    return names


def weights_digest(model: nn.Module) -> str:
    """SHA-256 of a module's parameters and buffers, by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(str((tensor.dtype, tuple(tensor.shape))).encode())
        digest.update(
            tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()
            if tensor.dim()
            else str(tensor.item()).encode()
        )
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in ("edgernn", "torch", "onnx", "onnxscript")}


__all__ = ["Built", "Captured", "StateSpec", "attach", "build", "weights_digest"]
