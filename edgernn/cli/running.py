"""Running a model on whole inputs: at once, or push by push where it streams."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgernn.cli import rows
from edgernn.cli.arrays import Array, read_csv, read_npy
from edgernn.cli.delay import DelayedOutputs
from edgernn.cli.sounds import read_sound_input
from edgernn.cli.strokes import INKML, read_stroke_input, takes_strokes
from edgernn.errors import InputError
from edgernn.files import existing_file, write_bytes
from edgernn.sound import is_sound

if TYPE_CHECKING:
    from edgernn.manifest import TensorSpec
    from edgernn.runtime import Session, Stream


def read_inputs(session: Session, paths: Sequence[str], columns: Sequence[str]) -> list[Array]:
    """One array for each input of the model, from .npy, .csv, .inkml and sound files in its order.

    Raises InputError where there are too few or too many, or one is not what its input takes.
    """
    names = [spec.name for spec in session.inputs]
    if len(paths) != len(names):
        raise InputError(
            f"INPUT: the model takes {len(names)} ({', '.join(names)}), in this order; found {len(paths)}."
        )
    return [
        _read_input(session, Path(path), spec, columns)
        for path, spec in zip(paths, session.inputs, strict=True)
    ]


def run_arrays(
    session: Session, inputs: Sequence[Array], stream: Stream | None, fresh: bool = True
) -> dict[str, Array]:
    """The outputs by name. A streaming model is pushed chunk by chunk; of an output without time the last.

    `fresh` says whether the stream is at its start, where a model that looks ahead has nothing to say yet.

    Raises InputError where the inputs do not fit the model.
    """
    from edgernn.runtime.pieces import join

    if stream is None:
        result = session.run(*inputs)
        return result if isinstance(result, dict) else {session.outputs[0].name: result}
    delayed = DelayedOutputs(session.outputs, fresh)
    pushes: list[dict[str, Array]] = []
    for part in _chunks(session, inputs):
        result = stream.push(*part)
        pushes.append(delayed.cut(result if isinstance(result, dict) else {session.outputs[0].name: result}))
    return join(session.outputs, pushes)


def batch_of(session: Session, inputs: Sequence[Array]) -> int:
    """Rows of the inputs' batch."""
    for array, spec in zip(inputs, session.inputs, strict=True):
        axis = spec.batch_dim
        if axis is not None and array.ndim == len(spec.dims):
            return int(array.shape[axis])
    return 1


def open_stream(session: Session, batch: int, resume: Path | None) -> Stream:
    """A stream of a streaming model, from its initial states or from a snapshot that was saved."""
    from edgernn.runtime import Snapshot

    stream = session.stream(batch)
    if resume is not None:
        stream.restore(Snapshot.from_bytes(existing_file(resume, "resume").read_bytes()))
    return stream


def save_states(stream: Stream, path: Path) -> None:
    """Write a stream's states, for `--resume`."""
    write_bytes(path, stream.snapshot().to_bytes())


def _read_input(session: Session, path: Path, spec: TensorSpec, columns: Sequence[str]) -> Array:
    if is_sound(path):
        return read_sound_input(session, path, spec)
    if path.suffix == INKML or (path.suffix == ".csv" and takes_strokes(spec) and not columns):
        return read_stroke_input(session, path, spec)
    if path.suffix == ".csv":
        return rows.from_rows(read_csv(path, columns), spec)
    if columns:
        raise InputError(f"column: it names columns of a .csv file, and {str(path)!r} is none.")
    if path.suffix != ".npy":
        existing_file(path, "input")
        raise InputError(
            f"input: {str(path)!r} must end in .npy, .csv or .inkml, be a sound file, or - for standard "
            "input."
        )
    return rows.with_batch(read_npy(path, "input"), spec)


def _chunks(session: Session, inputs: Sequence[Array]) -> list[list[Array]]:
    """The inputs cut along time into the chunks that the model takes."""
    from edgernn.runtime.pieces import cut

    chunk = session.manifest.chunk
    timed = [
        (array, spec.time_dim)
        for array, spec in zip(inputs, session.inputs, strict=True)
        if spec.time_dim is not None and array.ndim == len(spec.dims)
    ]
    if chunk is None or not timed:
        return [list(inputs)]
    length = timed[0][0].shape[timed[0][1]]
    if length % chunk or not length:
        raise InputError(
            f"input: {length} time steps are no multiple of {chunk}, the model's chunk. Cut or pad it, or "
            "export with a free chunk."
        )
    return list(cut(session.inputs, inputs, chunk, largest=1))
