"""Smaller files: weights in fewer bits, and a report of what that costs."""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx_ir as ir

from edgernn.errors import InputError, QuantizationError
from edgernn.files import atomic_path
from edgernn.manifest import METADATA_KEY
from edgernn.quantize.choosing.budget import Budget, parse_budget
from edgernn.quantize.choosing.choice import Choice
from edgernn.quantize.choosing.choose import Workshop, choose
from edgernn.quantize.choosing.plan import LADDERS, Plan, Rung, apply_plan, check_file, load_for
from edgernn.quantize.choosing.scores import Score, labelled
from edgernn.quantize.error import output_error
from edgernn.quantize.functions import inline as inline_functions
from edgernn.quantize.report import OutputError, QuantizationReport, TensorReport
from edgernn.quantize.request import Request, check_keep, settle_options
from edgernn.quantize.rounding import RoundWeight, weight_rounding
from edgernn.runtime import load

__all__ = [
    "Choice",
    "OutputError",
    "QuantizationReport",
    "TensorReport",
    "quantize",
    "rounding_of",
    "scheme_names",
]


def _schemes() -> dict[str, ModuleType]:
    """The modules of this folder that declare `NAME` and `apply`; the others are what they share."""
    modules = (importlib.import_module(f"{__name__}.{item.name}") for item in pkgutil.iter_modules(__path__))
    found = {
        module.NAME: module for module in modules if hasattr(module, "NAME") and hasattr(module, "apply")
    }
    return dict(sorted(found.items()))


def scheme_names() -> list[str]:
    """The schemes of this folder, as `--scheme` takes them."""
    return list(_schemes())


def rounding_of(scheme: str, options: Mapping[str, Any] | None = None) -> RoundWeight:
    """The rounding of a scheme's weights one by one, see `weight_rounding`."""
    return weight_rounding(scheme, _schemes(), options)


def _find_scheme(name: str) -> ModuleType:
    schemes = _schemes()
    if name not in schemes:
        raise InputError(f"scheme: {name!r} is unknown; use one of {list(schemes)}.")
    return schemes[name]


def quantize(
    src: str | os.PathLike[str],
    dst: str | os.PathLike[str],
    *,
    scheme: str = "int8",
    calibration: np.ndarray | Sequence[np.ndarray] | None = None,
    keep: Iterable[str] = (),
    options: Mapping[str, Any] | None = None,
    inline: bool = False,
    budget: str | None = None,
    targets: np.ndarray | None = None,
    score: Score | None = None,
) -> QuantizationReport:
    """Write a quantized copy of a float32 file.

    Args:
        src: a file of `edgernn.export`.
        dst: the file to write, ending in .onnx; it may not be `src`.
        scheme: how weights are stored, see `scheme_names`.
        calibration: typical inputs, one array (batch, time, features) or one for each input of the model, to
            measure the outputs' error on; without them it is measured on standard normal inputs.
        keep: names of weights, or of nodes with all their weights, that stay in float32.
        options: of the scheme; which there are stands in its module's `OPTIONS`.
        inline: whether to write plain ONNX operators in place of functions, for runtimes that know none.
        budget: what the file must keep, e.g. "max-error=0.01" or "accuracy>=0.95". Each layer alone is
            quantized and measured; what costs most stays in a larger scheme, or float32, until the budget
            holds; the smallest file inside it is written, and the report's `choice` tells how it was found.
        targets: what the outputs for `calibration` should be, for a budget of a score: classes ("accuracy"),
            or values ("rmse", "mae").
        score: in place of `targets`: gives scores by name for a `Session`.

    Returns:
        What was quantized, what not and why, the sizes, and the error it costs.

    Raises:
        InputError: where an argument does not fit.
        ModelError: where `src` is not a file of edgernn.
        QuantizationError: where it is quantized already, nothing in it can be, or no quantized file is
            inside the budget.
    """
    allowed = None if budget is None else parse_budget(budget)
    if not str(dst).endswith(".onnx"):
        raise InputError(f"dst: {str(dst)!r} must end in .onnx.")
    _find_scheme(scheme)
    before = load(src)
    if Path(dst).exists() and os.path.samefile(src, dst):
        raise InputError(f"dst: {str(dst)!r} is the source itself; name another file.")
    if before.manifest.scheme != "float32":
        raise QuantizationError(
            f"{str(src)!r} is quantized already ({before.manifest.scheme}). Quantize the float32 file."
        )
    if calibration is not None and isinstance(calibration, np.ndarray):
        calibration = [calibration]
    rungs = [
        Rung(
            name,
            _find_scheme(name),
            settle_options(
                options if name == scheme else None, getattr(_find_scheme(name), "OPTIONS", {}), name
            ),
        )
        for name in LADDERS.get(scheme, (scheme,))
    ]
    model = load_for(src, rungs)
    request = Request(check_keep(keep, model.graph), calibration, rungs[0].options, plain=inline)
    plan, choice = Plan([(rungs[0], request)]), None
    if allowed is not None:
        measure = _score_of(allowed, calibration, targets, score)
        plan, choice = choose(Workshop(Path(src), before, rungs, request, allowed, measure))
    tensors = apply_plan(model, plan)
    done = tuple(dict.fromkeys(tensor.used_by for tensor in tensors if not tensor.reason))
    if not done:
        reasons = "; ".join(f"{tensor.name}: {tensor.reason}" for tensor in tensors) or "it has no weights"
        raise QuantizationError(f"{str(src)!r}: scheme {scheme} quantizes nothing: {reasons}.")
    if inline:
        inline_functions(model)
    manifest = before.manifest.with_(scheme=plan.scheme, parity={})
    with atomic_path(dst) as temporary:
        model.metadata_props[METADATA_KEY] = manifest.to_json()
        ir.save(model, temporary)
        check_file(temporary, rungs)
        error = output_error(before, load(temporary), calibration)
        manifest = manifest.with_(
            parity={
                "reference": "the float32 file",
                "data": error.data,
                "max_abs_error": error.max_abs,
                "max_relative_error": error.relative,
            }
        )
        model.metadata_props[METADATA_KEY] = manifest.to_json()
        ir.save(model, temporary)
        return QuantizationReport(
            str(src),
            str(dst),
            plan.scheme,
            Path(src).stat().st_size,
            temporary.stat().st_size,
            done,
            tensors,
            error,
            choice,
        )


def _score_of(
    budget: Budget,
    calibration: Sequence[np.ndarray] | None,
    targets: np.ndarray | None,
    score: Score | None,
) -> Score | None:
    """What measures the score of a budget; None where it bounds the outputs' error."""
    if budget.is_error:
        return None
    if score is not None:
        return score
    if targets is None or calibration is None:
        raise InputError(
            f"budget: the score {budget.name!r} needs labelled data: a run folder (--source RUN), or inputs "
            "and what their outputs should be (--data and --target; calibration and targets in Python)."
        )
    return labelled(calibration, targets)
