"""The batch becomes one row, for providers that take fixed shapes alone.

Requires: dimensions that depend on the batch bear its name. Ensures: no dimension of the graph's inputs and
outputs is called batch. Shapes in between are forgotten where they depended on it: inference finds them anew.
"""

from __future__ import annotations

from dataclasses import replace

import onnx_ir as ir

from edgernn.manifest import Manifest

_BATCH = "batch"


class FixBatch(ir.passes.InPlacePass):
    """Fix the batch at 1."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """See the file's docstring."""
        modified = False
        ends = [*model.graph.inputs, *model.graph.outputs]
        inner = [value for node in model.graph.all_nodes() for value in node.outputs]
        for value in dict.fromkeys([*ends, *inner]):
            if value.shape is None or value.shape.is_static():
                continue
            sizes = [1 if _name(size) == _BATCH else size for size in value.shape]
            known = value in ends or not any(_BATCH in _name(size) for size in sizes)
            value.shape = ir.Shape(sizes) if known else None
            modified = True
        return ir.passes.PassResult(model, modified)


def _name(size: int | ir.SymbolicDim) -> str:
    return "" if isinstance(size, int) else str(size.value)


def with_one_row(manifest: Manifest) -> Manifest:
    """The manifest of a model whose batch was fixed."""

    def fixed(dims: tuple[int | str, ...]) -> tuple[int | str, ...]:
        return tuple(1 if dim == _BATCH else dim for dim in dims)

    return manifest.with_(
        inputs=tuple(replace(spec, dims=fixed(spec.dims)) for spec in manifest.inputs),
        outputs=tuple(replace(spec, dims=fixed(spec.dims)) for spec in manifest.outputs),
        states=tuple(replace(state, dims=fixed(state.dims)) for state in manifest.states),
    )
