"""Which weights are stored in which scheme, and doing it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx_ir as ir

from edgernn.quantize.compact import leave_blocks_out
from edgernn.quantize.fold import load_folded
from edgernn.quantize.kernel_form import use_functions_for_own
from edgernn.quantize.report import TensorReport
from edgernn.quantize.request import KEPT, Request

FLOAT32 = "float32"
# What stays out of a scheme may be stored in the next one; without an entry it stays in float32.
LADDERS = {
    "int4": ("int4", "int8", "fp16"),
    "int8": ("int8", "fp16"),
    "int8-stable": ("int8-stable", "fp16"),
}


@dataclass(frozen=True, eq=False)
class Rung:
    """A scheme that may be chosen.

    Attributes:
        name: the scheme.
        rule: its module.
        options: its options.
    """

    name: str
    rule: ModuleType
    options: Mapping[str, Any]

    @property
    def is_whole(self) -> bool:
        """Whether it takes the whole network or none of it."""
        return bool(getattr(self.rule, "WHOLE", False))


def load_for(path: str | os.PathLike[str], rungs: Iterable[Rung]) -> ir.Model:
    """The model of a file as these schemes take it: some store a matrix of low rank as its factors."""
    factors = all(getattr(rung.rule, "FACTORS", False) for rung in rungs)
    return load_folded(path, factors=factors)


@dataclass(frozen=True, eq=False)
class Plan:
    """Schemes in turn, each with what it is to leave alone; the smallest first."""

    parts: list[tuple[Rung, Request]]

    @property
    def scheme(self) -> str:
        """The scheme by whose tolerance the file is held: the roughest that is used."""
        return self.parts[0][0].name


def check_file(path: Path, rungs: Iterable[Rung]) -> None:
    """Raise QuantizationError where a scheme knows that its file cannot be loaded, before that is tried."""
    for rung in rungs:
        if hasattr(rung.rule, "check_file"):
            rung.rule.check_file(path, rung.options)


def make_plan(
    rungs: Iterable[Rung], request: Request, stored: Mapping[str, str], names: Collection[str]
) -> Plan:
    """A plan.

    Args:
        rungs: the schemes, the smallest first.
        request: what all of them are asked.
        stored: weight → scheme, for the weights that are not to stay in float32.
        names: all weights that may be quantized.
    """
    parts = []
    for rung in rungs:
        if rung.name in stored.values():
            others = {name for name in names if stored.get(name) != rung.name}
            parts.append((rung, replace(request, keep=request.keep | others, options=rung.options)))
    return Plan(parts)


def apply_plan(model: ir.Model, plan: Plan) -> tuple[TensorReport, ...]:
    """Quantize a model in place; tells of every weight what was done in the end."""
    own = set(model.graph.initializers)
    found: dict[str, TensorReport] = {}
    for rung, request in plan.parts:
        for tensor in rung.rule.apply(model, request):
            # A later scheme sees an earlier one's scales, and weights that are not for it.
            before = found.get(tensor.name)
            if tensor.name in own and (before is None or before.reason == KEPT):
                found[tensor.name] = tensor
    use_functions_for_own(model)
    # An accelerator's compiler wants its weights as they are.
    saved = {} if any(rung.is_whole for rung, _ in plan.parts) else leave_blocks_out(model)
    return tuple(_without(tensor, saved) for tensor in found.values())


def _without(tensor: TensorReport, saved: Mapping[str, int]) -> TensorReport:
    """A weight's report with the bytes of the blocks that its tensors are stored without."""
    own = sum(size for name, size in saved.items() if tensor.name in (name, name.rpartition("_")[0]))
    return replace(tensor, bytes_after=tensor.bytes_after - own)
