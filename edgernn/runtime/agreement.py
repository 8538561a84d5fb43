"""The check that a file's manifest and its graph say the same, made once at load."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from edgernn.errors import ModelError
from edgernn.manifest import Manifest, TensorSpec
from edgernn.runtime.arrays import describe_dims, state_tensor

# onnxruntime's name of an element type -> numpy's.
_NUMPY_NAMES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    **{f"tensor({name})": name for name in ("int8", "int16", "int32", "int64")},
    **{f"tensor({name})": name for name in ("uint8", "uint16", "uint32", "uint64", "bool")},
}


def check_agreement(manifest: Manifest, graph_inputs: Sequence[Any], graph_outputs: Sequence[Any]) -> None:
    """Raise ModelError naming the first tensor in which the manifest and the graph disagree.

    `graph_inputs` and `graph_outputs` are onnxruntime's `NodeArg`s. Names, dtypes, ranks and fixed
    dimensions are compared, and the manifest's own consistency (a state has one free dimension at most,
    the batch).
    """
    if not manifest.inputs or not manifest.outputs:
        raise _disagreement("it declares no inputs or no outputs")
    if manifest.states and not manifest.streaming:
        raise _disagreement("it declares states but not streaming")
    for state in manifest.states:
        free = [dim for dim in state.dims if isinstance(dim, str)]
        if len(free) > 1 or (free and free[0] != "batch"):
            raise _disagreement(
                f"state {state.input!r} has dims {describe_dims(state.dims)}; only 'batch' may be free, once"
            )
    for spec in (*manifest.inputs, *manifest.outputs):
        if spec.time_dim is not None and not 0 <= spec.time_dim < len(spec.dims):
            raise _disagreement(
                f"{spec.name!r} has {len(spec.dims)} dims, but its time_dim is {spec.time_dim}"
            )
    state_inputs = [state_tensor(state) for state in manifest.states]
    state_outputs = [
        TensorSpec(name=state.output, dtype=state.dtype, dims=state.dims) for state in manifest.states
    ]
    _check_side("input", [*manifest.inputs, *state_inputs], graph_inputs)
    _check_side("output", [*manifest.outputs, *state_outputs], graph_outputs)


def _check_side(side: str, specs: Sequence[TensorSpec], graph: Sequence[Any]) -> None:
    twice = _first_repeated(spec.name for spec in specs)
    if twice is not None:
        raise _disagreement(f"it lists {side} {twice!r} twice")
    in_graph = {node.name: node for node in graph}
    for spec in specs:
        if spec.name not in in_graph:
            raise _disagreement(
                f"the graph has no {side} {spec.name!r}; its {side}s are: {', '.join(in_graph) or 'none'}"
            )
        _check_tensor(side, spec, in_graph.pop(spec.name))
    if in_graph:
        raise _disagreement(f"the graph's {side} {next(iter(in_graph))!r} is not in the manifest")


def _check_tensor(side: str, spec: TensorSpec, node: Any) -> None:
    dtype = _NUMPY_NAMES.get(node.type, node.type)
    if dtype != spec.dtype:
        raise _disagreement(f"{side} {spec.name!r} is {dtype} in the graph, {spec.dtype} in the manifest")
    dims = [dim if isinstance(dim, int) else dim or "?" for dim in node.shape]
    where = f"{describe_dims(dims)} in the graph, {describe_dims(spec.dims)} in the manifest"
    if len(dims) != len(spec.dims):
        raise _disagreement(f"{side} {spec.name!r} has another rank: {where}")
    for axis, (found, declared) in enumerate(zip(dims, spec.dims, strict=True)):
        # A size that the graph leaves open may be fixed by the manifest; the opposite promises too much.
        if isinstance(found, int) and found != declared:
            raise _disagreement(f"{side} {spec.name!r}, dimension {axis}: {where}")


def _first_repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _disagreement(what: str) -> ModelError:
    return ModelError(f"manifest and graph disagree: {what}. Export the model again.")
