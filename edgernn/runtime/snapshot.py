"""The states of a stream at one moment, to go on from later or elsewhere."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from edgernn.errors import InputError
from edgernn.runtime.arrays import Array

# Member names of the .npz; states go by number, because their names may be no file names.
_HEADER = "header"


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The states of a stream; made by `snapshot` of a `Stream` or a `StreamPool`, taken by `restore`.

    Attributes:
        model: sha256 of the model file; only a stream of the same file takes it.
        batch: rows of the stream.
        states: read-only arrays by the state's input name.
    """

    model: str
    batch: int
    states: Mapping[str, Array]

    def __post_init__(self) -> None:
        copies = {name: np.array(array) for name, array in self.states.items()}
        for array in copies.values():
            array.flags.writeable = False
        object.__setattr__(self, "states", MappingProxyType(copies))

    def to_bytes(self) -> bytes:
        """The snapshot as bytes (a .npz file without pickle), to store or send."""
        header = {"model": self.model, "batch": self.batch, "states": list(self.states)}
        return pack(header, list(self.states.values()))

    @classmethod
    def from_bytes(cls, data: bytes) -> Snapshot:
        """Read what `to_bytes` wrote. Raises InputError where it is something else or damaged."""
        header, arrays = unpack(data)
        try:
            names = [str(name) for name in header["states"]]
            states = dict(zip(names, arrays, strict=True))
            return cls(model=str(header["model"]), batch=int(header["batch"]), states=states)
        except (ValueError, KeyError, TypeError) as error:
            raise damaged(error) from error

    def __repr__(self) -> str:
        return f"Snapshot(model={self.model[:12]}…, batch={self.batch}, states={', '.join(self.states)})"


def pack(header: Mapping[str, Any], arrays: Sequence[Array]) -> bytes:
    """A .npz file without pickle: `header`, which JSON can hold, and the arrays in their order."""
    buffer = io.BytesIO()
    members: dict[str, Any] = {f"state{number}": array for number, array in enumerate(arrays)}
    members[_HEADER] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(buffer, **members)
    return buffer.getvalue()


def unpack(data: bytes) -> tuple[dict[str, Any], list[Array]]:
    """Read what `pack` wrote. Raises InputError where it is something else or damaged."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            header = json.loads(file[_HEADER].tobytes().decode())
            arrays = [file[f"state{number}"] for number in range(len(file.files) - 1)]
        if not isinstance(header, dict):
            raise ValueError("its header is no object")
        return header, arrays
    except (ValueError, KeyError, TypeError, OSError, EOFError, IndexError, zipfile.BadZipFile) as error:
        raise damaged(error) from error


def damaged(error: Exception) -> InputError:
    """What to raise where bytes are no snapshot."""
    return InputError(
        f"snapshot: these bytes are not a snapshot, or are damaged ({error}). "
        "Take them from Snapshot.to_bytes or StreamPool.save."
    )


def check_model(found: str, wanted: str) -> None:
    """Raise InputError where states were taken from another model; both are sha256 of the file."""
    if found != wanted:
        raise InputError(
            f"snapshot: taken from another model (sha256 {found[:12]}…) than this stream runs "
            f"(sha256 {wanted[:12]}…). Restore it into a stream of the file it came from."
        )


def check_fits(snapshot: object, model: str, batch: int, states: Mapping[str, Array]) -> None:
    """Raise InputError where `snapshot` is not one of a stream of this model and batch.

    `states` are arrays of the dtypes and shapes that the stream's states have.
    """
    if not isinstance(snapshot, Snapshot):
        raise InputError(f"snapshot: expected a Snapshot, found {type(snapshot).__name__}.")
    check_model(snapshot.model, model)
    if snapshot.batch != batch:
        raise InputError(f"snapshot: has batch {snapshot.batch}, this stream has batch {batch}.")
    for name, array in states.items():
        found = snapshot.states.get(name)
        if found is None or found.shape != array.shape or found.dtype != array.dtype:
            raise InputError(f"snapshot: damaged, state {name!r} is missing or does not fit.")
