"""What users hand over, turned into the arrays that a graph takes, or refused with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError
from edgernn.manifest import Manifest, StateSpec, TensorSpec

Array: TypeAlias = npt.NDArray[Any]


def state_tensor(state: StateSpec) -> TensorSpec:
    """The graph input of a state as a tensor spec, so that one set of checks serves both."""
    return TensorSpec(name=state.input, dtype=state.dtype, dims=state.dims)


def initial_state(state: StateSpec, sizes: Mapping[str, int]) -> Array:
    """The state before the first chunk; `sizes` says how large the batch is (1 where it does not)."""
    shape = [sizes.get(dim, 1) if isinstance(dim, str) else dim for dim in state.dims]
    array = np.empty(shape, state.dtype)
    array[...] = initial_row(state)
    return array


def initial_row(state: StateSpec) -> Array:
    """What a row of the batch holds before its first chunk; it broadcasts to the whole state."""
    if isinstance(state.initial, tuple):
        row_shape = [1 if isinstance(dim, str) else dim for dim in state.dims]
        return np.array(state.initial, state.dtype).reshape(row_shape)
    return np.array(state.initial, state.dtype)


def takes_one_row(manifest: Manifest) -> bool:
    """Whether the batch is fixed at one row, the first dimension of every input and output."""
    return all(
        "batch" not in spec.dims and spec.batch_dim == 0 for spec in (*manifest.inputs, *manifest.outputs)
    )


def describe_dims(dims: Sequence[int | str]) -> str:
    """Dimensions as people write them: `(batch, time, 8)`."""
    return "(" + ", ".join(str(dim) for dim in dims) + ("," if len(dims) == 1 else "") + ")"


def to_array(value: object, spec: TensorSpec) -> Array:
    """`value` (array, nested list or number) as an array of the dtype that `spec` declares.

    Cast where no meaning is lost: float to float, integer to integer in range, integer or bool to float.
    Raises InputError for text, complex numbers, objects, ragged lists, floats where integers belong, and
    values that the declared dtype cannot hold.
    """
    target = np.dtype(spec.dtype)
    if isinstance(value, np.ndarray) and value.dtype == target:
        return value
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"input {spec.name!r}: not an array of numbers ({error}).") from error
    if array.dtype == target:
        return array
    if array.dtype.kind not in _ACCEPTED_KINDS[target.kind]:
        raise InputError(
            f"input {spec.name!r}: dtype {array.dtype} cannot become {spec.dtype} without changing its "
            f"meaning. Give an array of {spec.dtype}."
        )
    if target.kind in "iu" and array.size and not _in_range(array, target):
        limits = np.iinfo(target)
        raise InputError(
            f"input {spec.name!r}: values from {array.min()} to {array.max()} do not fit {spec.dtype} "
            f"({limits.min} to {limits.max})."
        )
    with np.errstate(over="ignore"):
        cast = array.astype(target)
    if target.kind == "f" and np.count_nonzero(np.isinf(cast)) != np.count_nonzero(np.isinf(array)):
        raise InputError(f"input {spec.name!r}: some values are too large for {spec.dtype}.")
    return cast


# Kind of the declared dtype -> kinds of given arrays that are cast to it (numpy's kind letters).
_ACCEPTED_KINDS = {"f": "fiub", "i": "iub", "u": "iub", "b": "b"}


def _in_range(array: Array, target: np.dtype[Any]) -> bool:
    limits = np.iinfo(target)
    return int(array.min()) >= limits.min and int(array.max()) <= limits.max


def check_shape(shape: tuple[int, ...], spec: TensorSpec, sizes: dict[str, int]) -> None:
    """Raise InputError where `shape` is not what `spec` declares.

    `sizes` holds the size of each named dimension seen so far and is extended: the batch, say, must be the
    same in every input.
    """
    if len(shape) != len(spec.dims):
        raise InputError(
            f"input {spec.name!r}: expected {len(spec.dims)} dimensions {describe_dims(spec.dims)}, "
            f"found shape {shape}."
        )
    for axis, (found, dim) in enumerate(zip(shape, spec.dims, strict=True)):
        if found == dim:
            continue
        if isinstance(dim, int):
            raise InputError(
                f"input {spec.name!r}: dimension {axis} must be {dim}, found {found} in shape {shape}; "
                f"expected {describe_dims(spec.dims)}."
            )
        if found == 0:
            raise InputError(f"input {spec.name!r}: dimension {axis} ({dim}) is empty in shape {shape}.")
        if sizes.setdefault(dim, found) != found:
            raise InputError(
                f"input {spec.name!r}: dimension {axis} ({dim}) is {found}, but {dim} is {sizes[dim]} "
                "elsewhere in this call."
            )


def check_steps(manifest: Manifest, shapes: Sequence[tuple[int, ...]]) -> None:
    """Raise InputError where the time of an input of a streaming model is not one that it takes.

    `shapes` are the inputs' shapes, in the manifest's order.
    """
    for shape, spec in zip(shapes, manifest.inputs, strict=True):
        if spec.time_dim is None:
            continue
        steps = shape[spec.time_dim]
        if manifest.chunk is not None and steps != manifest.chunk:
            raise InputError(
                f"input {spec.name!r}: the model takes chunks of {manifest.chunk} steps, found {steps}. "
                "Export with chunk=None for any length."
            )
        if steps % manifest.hop:
            raise InputError(
                f"input {spec.name!r}: {steps} steps are no multiple of the model's hop, {manifest.hop}."
            )


def check_finite(array: Array, spec: TensorSpec) -> None:
    """Raise InputError where a float array holds NaN or infinity."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(
            f"input {spec.name!r}: holds NaN or infinity. Clean the signal, or load the model with "
            "nan='allow'."
        )


def in_order(specs: Sequence[TensorSpec], values: Sequence[object], named: dict[str, Any]) -> list[object]:
    """One value for each of `specs`: first those given by position, then those by name.

    Raises InputError where one is missing, unknown, or given twice.
    """
    if len(values) == len(specs) and not named:
        return list(values)
    names = [spec.name for spec in specs]
    if len(values) > len(names):
        raise InputError(f"expected {len(names)} inputs ({', '.join(names)}), found {len(values)}.")
    by_name = dict(zip(names, values, strict=False))
    for name, value in named.items():
        if name not in names:
            raise InputError(f"unknown input {name!r}. The model's inputs are: {', '.join(names)}.")
        if name in by_name:
            raise InputError(f"input {name!r} is given twice, by position and by name.")
        by_name[name] = value
    missing = [name for name in names if name not in by_name]
    if missing:
        raise InputError(f"input {missing[0]!r} is missing. The model's inputs are: {', '.join(names)}.")
    return [by_name[name] for name in names]
