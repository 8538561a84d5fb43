"""The kinds of recurrent layers that a file has as one node: one file a kind, found by its `KIND`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

import onnx_ir as ir

from edgernn.quantize.kinds.base import EDGERNN, Kind


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind by its name."""
    modules = (importlib.import_module(f"{__name__}.{item.name}") for item in pkgutil.iter_modules(__path__))
    found = [module.KIND for module in modules if hasattr(module, "KIND")]
    return {kind.name: kind for kind in found}


def kind_of(node: ir.Node) -> Kind | None:
    """The kind of a recurrent node; None of any other node, functions of edgernn included."""
    kind = kinds().get(node.op_type)
    return kind if kind is not None and node.domain == kind.domain else None


def is_own(node: ir.Node) -> bool:
    """Whether a node is a recurrence that only edgernn names: it must become a function."""
    kind = kind_of(node)
    return kind is not None and kind.domain == EDGERNN


def matrices_of(node: ir.Node) -> list[ir.Value]:
    """The matrices of a recurrent node; none of another node."""
    kind = kind_of(node)
    indices = () if kind is None else kind.matrices
    values = [node.inputs[index] for index in indices if index < len(node.inputs)]
    return [value for value in values if value is not None]
