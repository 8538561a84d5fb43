"""Types of the reference, and the check that an argument has the shape it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError

Array: TypeAlias = npt.NDArray[np.float64]
State: TypeAlias = tuple[Array, ...]
Parameters: TypeAlias = Mapping[str, Array]


@dataclass(frozen=True)
class Gradients:
    """Gradients of the loss, each of the shape of what it belongs to.

    Attributes:
        parameters: by name, for every parameter that was given.
        x: the input, (batch, time, input); (batch, input) for a single step.
        state: the initial state, one (batch, hidden) array a state; empty for a layer without state.
    """

    parameters: dict[str, Array]
    x: Array
    state: State = ()


def as_array(name: str, value: npt.ArrayLike, shape: Sequence[int | str]) -> Array:
    """`value` as a float64 array of `shape`, in which a string names a size that is free.

    Raises:
        InputError: the value is not made of real numbers, or has another shape.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name}: dtype {array.dtype}, allowed are real numbers. Convert it to float64.")
    fits = array.ndim == len(shape) and all(
        isinstance(allowed, str) or found == allowed
        for found, allowed in zip(array.shape, shape, strict=True)
    )
    if not fits:
        allowed = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise InputError(f"{name}: shape {array.shape}, expected ({allowed}).")
    return array.astype(np.float64, copy=False)


def as_state(name: str, value: Sequence[npt.ArrayLike], shapes: Sequence[Sequence[int | str]]) -> State:
    """`value` as a tuple of float64 arrays, one a shape.

    Raises:
        InputError: the value is no tuple or list, has another count, or one of its arrays another shape.
    """
    if not isinstance(value, tuple | list) or len(value) != len(shapes):
        found = f"{len(value)} arrays" if isinstance(value, tuple | list) else type(value).__name__
        raise InputError(f"{name}: found {found}, expected a tuple of {len(shapes)} array(s).")
    return tuple(
        as_array(f"{name}[{index}]", array, shape)
        for index, (array, shape) in enumerate(zip(value, shapes, strict=True))
    )
