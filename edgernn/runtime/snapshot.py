"""The states of a stream at one moment, to go on from later or elsewhere."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
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
    """The states of a stream; made by `Stream.snapshot`, taken by `Stream.restore`.

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
        header = json.dumps({"model": self.model, "batch": self.batch, "states": list(self.states)})
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {
            f"state{number}": array for number, array in enumerate(self.states.values())
        }
        arrays[_HEADER] = np.frombuffer(header.encode(), np.uint8)
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Snapshot:
        """Read what `to_bytes` wrote. Raises InputError where it is something else or damaged."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                header = json.loads(file[_HEADER].tobytes().decode())
                names = header["states"]
                states = {str(name): file[f"state{number}"] for number, name in enumerate(names)}
            return cls(model=str(header["model"]), batch=int(header["batch"]), states=states)
        except (ValueError, KeyError, TypeError, OSError, EOFError, IndexError, zipfile.BadZipFile) as error:
            raise InputError(
                f"snapshot: these bytes are not a snapshot, or are damaged ({error}). "
                "Take them from Snapshot.to_bytes."
            ) from error

    def __repr__(self) -> str:
        return f"Snapshot(model={self.model[:12]}…, batch={self.batch}, states={', '.join(self.states)})"


def check_fits(snapshot: object, model: str, batch: int, states: Mapping[str, Array]) -> None:
    """Raise InputError where `snapshot` is not one of a stream of this model and batch.

    `states` are arrays of the dtypes and shapes that the stream's states have.
    """
    if not isinstance(snapshot, Snapshot):
        raise InputError(f"snapshot: expected a Snapshot, found {type(snapshot).__name__}.")
    if snapshot.model != model:
        raise InputError(
            f"snapshot: taken from another model (sha256 {snapshot.model[:12]}…) than this stream runs "
            f"(sha256 {model[:12]}…). Restore it into a stream of the file it came from."
        )
    if snapshot.batch != batch:
        raise InputError(f"snapshot: has batch {snapshot.batch}, this stream has batch {batch}.")
    for name, array in states.items():
        found = snapshot.states.get(name)
        if found is None or found.shape != array.shape or found.dtype != array.dtype:
            raise InputError(f"snapshot: damaged, state {name!r} is missing or does not fit.")
