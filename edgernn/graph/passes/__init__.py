"""Small passes that leave a graph clean: each says in one line what it takes and what it leaves."""

from __future__ import annotations

import logging

import onnx_ir as ir
from onnx_ir.passes import common

from edgernn.errors import ExportError
from edgernn.graph.passes.transposes import MergeTransposes


def clean(model: ir.Model) -> None:
    """Remove what is unused, double or nameless, in place."""
    steps = ir.passes.Sequential(
        common.ClearMetadataAndDocStringPass(),
        MergeTransposes(),
        common.RemoveUnusedNodesPass(),
        common.DeduplicateInitializersPass(),
        common.RemoveUnusedOpsetsPass(),
        common.NameFixPass(),
        common.TopologicalSortPass(),
    )
    steps(model)


def check(model: ir.Model) -> None:
    """Check a model with onnx.checker and full type inference. Raises ExportError where it is not valid."""
    logging.getLogger("onnx_ir").setLevel(logging.ERROR)
    import onnx

    try:
        onnx.checker.check_model(ir.to_proto(model), full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"the written graph is not valid ONNX: {error}") from error
