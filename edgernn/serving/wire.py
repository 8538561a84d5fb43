"""Messages as arrays and arrays as messages.

A binary message holds the values of one array, little-endian, in the order of its dimensions, the batch
left out; for a model whose input is (batch, time, 40) that is 40 values a time step. A JSON message is an
object of nested lists by name, the batch left out as well: `{"x": [[…], …]}`. Models with several inputs or
outputs speak JSON alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgernn.errors import InputError
from edgernn.manifest import TensorSpec
from edgernn.runtime import Session
from edgernn.runtime.arrays import Array, check_finite, check_shape, in_order, to_array


class Wire:
    """Reads and writes the messages of one model.

    Attributes:
        binary: whether binary messages say all: one input and one output, with time as the only free
            dimension beside the batch.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        streaming = session.manifest.streaming
        self._inputs = tuple(_any_length(spec) if streaming else spec for spec in session.inputs)
        self._outputs = session.outputs
        self._values = _values_a_step(self._inputs[0])
        self.binary = len(self._inputs) == len(self._outputs) == 1 and self._values is not None

    def describe(self) -> dict[str, Any]:
        """What a client must know, as JSON."""
        manifest = self._session.manifest
        return {
            "model": self._session.digest,
            "task": manifest.task,
            "inputs": [_describe(spec) for spec in self._inputs],
            "outputs": [{**_describe(spec), **_timing(spec)} for spec in self._outputs],
            "steps": self.unit,
            "labels": list(manifest.labels),
            "binary": self.binary,
        }

    def read_binary(self, data: bytes) -> list[Array]:
        """The input of a binary message. Raises InputError where it does not fit."""
        if not self.binary or self._values is None:
            raise InputError("binary messages are for models with one input and one output; send JSON.")
        spec = self._inputs[0]
        dtype = np.dtype(spec.dtype).newbyteorder("<")
        size = self._values * dtype.itemsize
        if not data or len(data) % size:
            raise InputError(
                f"a message of {len(data)} bytes: expected a multiple of {size}, {self._values} values "
                f"({spec.dtype}) a time step."
            )
        steps = len(data) // size
        shape = [
            1 if dim == "batch" else steps if axis == spec.time_dim else int(dim)
            for axis, dim in enumerate(spec.dims)
        ]
        array = np.frombuffer(data, dtype).astype(spec.dtype, copy=False).reshape(shape)
        return self._checked([array])

    def read_json(self, text: str | bytes) -> list[Array]:
        """The inputs of a JSON message. Raises InputError where they do not fit."""
        return self.from_object(parse(text))

    def from_object(self, given: object) -> list[Array]:
        """The inputs of a parsed JSON message."""
        if not isinstance(given, dict):
            names = ", ".join(f'"{spec.name}"' for spec in self._inputs)
            raise InputError(f"expected an object with {names}.")
        values = in_order(self._inputs, [], given)
        arrays = []
        for spec, value in zip(self._inputs, values, strict=True):
            arrays.append(self._with_batch(to_array(value, spec), spec))
        return self._checked(arrays)

    def read_array(self, array: Array) -> list[Array]:
        """The input as an array, with the batch or without. Raises InputError where it does not fit."""
        spec = self._inputs[0]
        array = to_array(array, spec)
        return self._checked([self._with_batch(array, spec)])

    def write_binary(self, outputs: Mapping[str, Array]) -> bytes:
        """An answer to a binary message."""
        array = outputs[self._outputs[0].name]
        return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()

    def write_json(self, outputs: Mapping[str, Array]) -> str:
        """An answer to a JSON message; NaN and infinity, which JSON has no number for, become null."""
        lists = {}
        for spec in self._outputs:
            array = outputs[spec.name]
            if "batch" in spec.dims:
                array = array.squeeze(spec.dims.index("batch"))
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                array = np.where(np.isfinite(array), array.astype(object), np.array(None, object))
            lists[spec.name] = array.tolist()
        return json.dumps(lists, allow_nan=False)

    def without_batch(self, outputs: Mapping[str, Array]) -> Array:
        """The one output of a model, the batch left out."""
        spec = self._outputs[0]
        array = outputs[spec.name]
        return array.squeeze(spec.dims.index("batch")) if "batch" in spec.dims else array

    def steps(self, arrays: Sequence[Array]) -> int:
        """Time steps of a message; 1 where no input has time."""
        for array, spec in zip(arrays, self._inputs, strict=True):
            if spec.time_dim is not None:
                return int(array.shape[spec.time_dim])
        return 1

    @property
    def unit(self) -> int:
        """Time steps that a message holds a multiple of."""
        return self._session.manifest.chunk or self._session.manifest.hop

    def _with_batch(self, array: Array, spec: TensorSpec) -> Array:
        if "batch" in spec.dims and array.ndim == len(spec.dims) - 1:
            return np.expand_dims(array, spec.dims.index("batch"))
        return array

    def _checked(self, arrays: list[Array]) -> list[Array]:
        sizes: dict[str, int] = {"batch": 1}
        for array, spec in zip(arrays, self._inputs, strict=True):
            check_shape(array.shape, spec, sizes)
            check_finite(array, spec)
        if self._session.manifest.streaming and self.steps(arrays) % self.unit:
            raise InputError(f"{self.steps(arrays)} time steps: expected a multiple of {self.unit}.")
        return arrays


def parse(text: str | bytes) -> Any:
    """What JSON says. Raises InputError where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}.") from error


def _any_length(spec: TensorSpec) -> TensorSpec:
    """An input as a message may hold it: several of the model's chunks."""
    dims = tuple("time" if axis == spec.time_dim else dim for axis, dim in enumerate(spec.dims))
    return replace(spec, dims=dims)


def _values_a_step(spec: TensorSpec) -> int | None:
    """How many numbers a time step has; None where another dimension than batch and time is free."""
    if spec.time_dim is None:
        return None
    others = [dim for axis, dim in enumerate(spec.dims) if axis != spec.time_dim and dim != "batch"]
    sizes = [dim for dim in others if isinstance(dim, int)]
    return int(np.prod(sizes, dtype=np.int64)) if len(sizes) == len(others) else None


def _timing(spec: TensorSpec) -> dict[str, Any]:
    """`upsampling` output steps for `hop` input steps, of which the first `delay` say nothing yet."""
    return {"hop": spec.hop, "upsampling": spec.upsampling, "delay": spec.delay}


def _describe(spec: TensorSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "dtype": spec.dtype,
        "dims": [dim for dim in spec.dims if dim != "batch"],
        "unit": spec.unit,
        "sample_rate": spec.sample_rate,
    }
