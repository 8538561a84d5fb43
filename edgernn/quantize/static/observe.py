"""Running a float graph on calibration data with every tensor that is to be rounded as an output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import onnx_ir as ir
import onnxruntime

from edgernn.errors import InputError
from edgernn.manifest import METADATA_KEY, Manifest
from edgernn.runtime.arrays import check_shape, check_steps, initial_state, takes_one_row, to_array

# Rows of a run: all tensors of all unrolled steps are in memory at once.
_ROWS = 16
# Of a stream: how often each chunk is also run from random states.
_STARTS = 4


class Observer:
    """A float model whose inner tensors can be read.

    Args:
        model: the model; it is left as it is.
        data: one array for each input of the manifest; of a streaming model, whole sequences.

    Raises:
        InputError: where the data are not what the model takes.
    """

    def __init__(self, model: ir.Model, data: Sequence[np.ndarray]) -> None:
        self.manifest = Manifest.from_json(model.metadata_props[METADATA_KEY])
        self.data = _checked(self.manifest, data)
        self._model = model

    def runs(self, names: Sequence[str]) -> Iterator[Mapping[str, np.ndarray]]:
        """The tensors of these names, for each run: a few rows, of a stream one chunk of them."""
        session = self._session(names)
        self._random = np.random.default_rng(0)  # the same numbers in every pass
        fetches = [name for name in names if name not in {spec.name for spec in session.get_inputs()}]
        for rows in self._rows():
            if self.manifest.streaming:
                yield from self._stream(session, fetches, rows)
            else:
                yield dict(zip(fetches, session.run(fetches, rows), strict=True)) | rows

    def _session(self, names: Sequence[str]) -> onnxruntime.InferenceSession:
        """The model with these tensors as outputs."""
        copy = ir.from_proto(ir.to_proto(self._model))
        outputs = {value.name for value in copy.graph.outputs}
        made = {value.name: value for node in copy.graph for value in node.outputs}
        for name in names:
            if name in made and name not in outputs:
                made[name].type = ir.TensorType(ir.DataType.FLOAT)
                copy.graph.outputs.append(made[name])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        return onnxruntime.InferenceSession(
            ir.to_proto(copy).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def _stream(
        self, session: onnxruntime.InferenceSession, fetches: list[str], feed: dict[str, np.ndarray]
    ) -> Iterator[dict[str, np.ndarray]]:
        """Chunk by chunk, each from the states that the one before left, and from random ones."""
        dims = {spec.name: spec.time_dim for spec in self.manifest.inputs}
        steps = min(array.shape[dim] for name, array in feed.items() if (dim := dims[name]) is not None)
        sizes = {"batch": next(iter(feed.values())).shape[0]}
        states = {state.input: initial_state(state, sizes) for state in self.manifest.states}
        chunk = self.manifest.chunk or steps
        after = [state.output for state in self.manifest.states]
        for start in range(0, steps - chunk + 1, chunk):
            part = states | {
                name: array if (dim := dims[name]) is None else array.take(range(start, start + chunk), dim)
                for name, array in feed.items()
            }
            found = session.run([*fetches, *after], part)
            yield dict(zip(fetches, found, strict=False)) | part
            states = dict(zip(states, found[len(fetches) :], strict=True))
            # An app may go on from any states, so ranges cover those too: in -1..1, where gated cells' live.
            for _ in range(_STARTS):
                anywhere = {
                    name: self._random.uniform(-1, 1, value.shape).astype(value.dtype)
                    for name, value in states.items()
                }
                found = session.run(fetches, part | anywhere)
                yield dict(zip(fetches, found, strict=True)) | part | anywhere

    def _rows(self) -> Iterator[dict[str, np.ndarray]]:
        names = [spec.name for spec in self.manifest.inputs]
        dims = [spec.dims.index("batch") if "batch" in spec.dims else None for spec in self.manifest.inputs]
        one = takes_one_row(self.manifest)
        if one:
            dims = [0] * len(names)
        if any(dim is None for dim in dims):
            yield dict(zip(names, self.data, strict=True))
            return
        rows = self.data[0].shape[dims[0] or 0]
        size = 1 if one else _ROWS
        for start in range(0, rows, size):
            chosen = range(start, min(start + size, rows))
            yield {
                name: array.take(chosen, dim) for name, array, dim in zip(names, self.data, dims, strict=True)
            }


def _checked(manifest: Manifest, data: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The data as the model takes them, one array an input."""
    if len(data) != len(manifest.inputs):
        raise InputError(f"calibration: {len(data)} arrays for {len(manifest.inputs)} inputs of the model.")
    arrays = []
    sizes: dict[str, int] = {}
    try:
        for spec, value in zip(manifest.inputs, data, strict=True):
            array = to_array(value, spec)
            dims = tuple(
                "time"
                if manifest.streaming and axis == spec.time_dim
                else "batch"
                if axis == 0 and takes_one_row(manifest)
                else dim
                for axis, dim in enumerate(spec.dims)
            )
            check_shape(array.shape, replace(spec, dims=dims), sizes)
            arrays.append(array)
        if not manifest.streaming:
            check_steps(manifest, [array.shape for array in arrays])
    except InputError as error:
        raise InputError(f"calibration: {error}") from error
    if manifest.chunk is not None and sizes.get("time", manifest.chunk) < manifest.chunk:
        raise InputError(
            f"calibration: {sizes['time']} steps, fewer than the model's chunk of {manifest.chunk}."
        )
    if not all(np.isfinite(array).all() for array in arrays if array.dtype.kind == "f"):
        raise InputError("calibration: the data hold NaN or infinity; remove these values.")
    return arrays
