"""Handing results to the user: as arrays of their own, or written into arrays that the user gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgernn.errors import InputError
from edgernn.manifest import TensorSpec
from edgernn.runtime.arrays import Array


def hand_out(specs: Sequence[TensorSpec], results: Sequence[Array], out: Any) -> Array | dict[str, Array]:
    """The outputs `specs`, held in buffers that the next call overwrites, as the user wants them.

    `out` is None for fresh copies; otherwise an array, or a dict of arrays by name where the model has
    several outputs, that is written into and returned. Raises InputError, with nothing written, where an
    array does not fit.
    """
    if len(specs) == 1:
        if out is None:
            return results[0].copy()
        _check_out(out, results[0], specs[0].name)
        out[...] = results[0]
        return out  # type: ignore[no-any-return]
    names = [spec.name for spec in specs]
    if out is None:
        return {name: array.copy() for name, array in zip(names, results, strict=True)}
    if not isinstance(out, dict) or set(out) != set(names):
        raise InputError(f"out: expected a dict of arrays for {', '.join(names)}.")
    for name, array in zip(names, results, strict=True):
        _check_out(out[name], array, name)
    for name, array in zip(names, results, strict=True):
        out[name][...] = array
    return out


def _check_out(out: object, result: Array, name: str) -> None:
    if not isinstance(out, np.ndarray):
        raise InputError(f"out: expected an array for output {name!r}, found {type(out).__name__}.")
    if out.shape != result.shape or out.dtype != result.dtype:
        raise InputError(
            f"out: output {name!r} is {result.dtype} {result.shape}, the array is {out.dtype} {out.shape}."
        )
    if not out.flags.writeable:
        raise InputError(f"out: the array for output {name!r} is read-only.")
