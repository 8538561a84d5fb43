"""A model repository of Triton Inference Server, which keeps the states of its clients' streams.

Triton holds the states as *implicit state* of its sequence batcher: a client sends chunks with a sequence's
number and never sees them. Where every tensor has a free batch, the batch comes first in each, so that chunks
of several clients share one call.
"""

from __future__ import annotations

import numpy as np

from edgernn.bundle import names
from edgernn.bundle.app import App, AppModel, Files
from edgernn.bundle.batch_first import Layout, with_batch_first
from edgernn.bundle.render import render
from edgernn.errors import InputError

RUNTIME = "Triton Inference Server, its onnxruntime backend"
NEXT = (
    "tritonserver --model-repository=model_repository",
    "pip install 'tritonclient[http]' && python client.py",
)

_BATCH = 64  # rows of a call, and streams that are open at once
_IDLE_MICROSECONDS = 60_000_000  # after which Triton forgets a stream that sends nothing

_TYPES = {"float32": "FP32", "float64": "FP64", "bool": "BOOL"}


def files(app: App) -> Files:
    """See `Target.files`."""
    made = render("triton", app.values())
    for model in app.models:
        made |= _repository(model)
    return made


def _repository(model: AppModel) -> Files:
    """One model's folder in the repository, and its golden vectors."""
    if model.description.file != "model.onnx":
        raise InputError("format: Triton reads onnx, not ort. Bundle for it without --format.")
    layout = with_batch_first(model.model, model.manifest)
    place = f"model_repository/{model.name}"
    made = {f"{place}/1/model.onnx": layout.model, f"golden/{model.name}.json": model.golden_json()}
    made[f"golden/{model.name}.model.json"] = model.description_json()
    start = 32  # the digest in front of a snapshot
    states = []
    for number, state in enumerate(model.description.states):
        size = int(np.prod(state.shape)) * np.dtype(state.dtype).itemsize
        name = f"state_{number:02d}"
        # One row of the batch has the same bytes wherever its dimension of one stands.
        made[f"{place}/initial_state/{name}"] = model.initial[start : start + size]
        start += size
        states.append(_state(state.input, state.output, state.dtype, layout.state_dims[number], name))
    made[f"{place}/config.pbtxt"] = _config(model, layout, states).encode()
    return made


def _config(model: AppModel, layout: Layout, states: list[str]) -> str:
    about = model.description
    inputs = [
        _tensor(item.name, item.dtype, dims)
        for item, dims in zip(about.inputs, layout.input_dims, strict=True)
    ]
    outputs = [
        _tensor(item.name, item.dtype, dims)
        for item, dims in zip(about.outputs, layout.output_dims, strict=True)
    ]
    lines = [
        f"name: {names.octal(model.name)}",
        'backend: "onnxruntime"',
        f"max_batch_size: {_BATCH if layout.batched else 0}",
        f"input [\n{_joined(inputs)}\n]",
        f"output [\n{_joined(outputs)}\n]",
        "sequence_batching {",
        f"  max_sequence_idle_microseconds: {_IDLE_MICROSECONDS}",
        f"  oldest {{ max_candidate_sequences: {_BATCH} }}",
        f"  state [\n{_joined(states)}\n  ]" if states else "",
        "}",
        "instance_group [ { kind: KIND_CPU count: 1 } ]",
        'parameters { key: "intra_op_thread_count" value { string_value: "1" } }',
        'parameters { key: "inter_op_thread_count" value { string_value: "1" } }',
    ]
    return "\n".join([line for line in lines if line]) + "\n"


def _tensor(name: str, dtype: str, dims: tuple[int, ...]) -> str:
    return f"  {{ name: {names.octal(name)} data_type: {_type(dtype)} dims: {_dims(dims)} }}"


def _state(source: str, target: str, dtype: str, dims: tuple[int, ...], name: str) -> str:
    kind = f"data_type: {_type(dtype)} dims: {_dims(dims)}"
    return (
        f"    {{ input_name: {names.octal(source)} output_name: {names.octal(target)} {kind}\n"
        f'      initial_state {{ name: "{name}" {kind} data_file: "{name}" }} }}'
    )


def _joined(items: list[str]) -> str:
    return ",\n".join(items)


def _type(dtype: str) -> str:
    return f"TYPE_{_TYPES.get(dtype, dtype.upper())}"


def _dims(dims: tuple[int, ...]) -> str:
    return f"[ {', '.join(map(str, dims))} ]"
