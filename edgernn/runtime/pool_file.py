"""All streams of a pool in one file, to go on after a restart: a .npz without pickle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgernn.errors import InputError
from edgernn.runtime.arrays import Array
from edgernn.runtime.snapshot import check_model, damaged, pack, unpack


@dataclass(frozen=True)
class PoolStates:
    """The streams of a pool at one moment.

    Attributes:
        model: sha256 of the model file.
        names: of the states, by input name.
        ids: the open streams.
        next_id: what the pool would have called the next one, so that no id is ever used twice.
        states: an array for each name, its batch the streams in the order of `ids`.
    """

    model: str
    names: tuple[str, ...]
    ids: tuple[int, ...]
    next_id: int
    states: tuple[Array, ...]

    def to_bytes(self) -> bytes:
        """As a .npz file."""
        header = {
            "model": self.model,
            "states": list(self.names),
            "ids": list(self.ids),
            "next_id": self.next_id,
        }
        return pack(header, self.states)

    @classmethod
    def from_bytes(cls, data: bytes) -> PoolStates:
        """Read what `to_bytes` wrote. Raises InputError where it is something else or damaged."""
        header, arrays = unpack(data)
        try:
            ids = tuple(int(item) for item in header["ids"])
            next_id = int(header["next_id"])
            if len(set(ids)) != len(ids) or any(not 0 <= item < next_id for item in ids):
                raise ValueError("its ids are not those of a pool")
            names = tuple(str(name) for name in header["states"])
            return cls(str(header["model"]), names, ids, next_id, tuple(arrays))
        except (ValueError, KeyError, TypeError) as error:
            raise damaged(error) from error

    def check_fits(
        self, model: str, capacity: int, names: Sequence[str], rows: Sequence[Array], axes: Sequence[int]
    ) -> None:
        """Raise InputError where they are not states of this model, or too many for the pool.

        `rows` hold the pool's own states, whose batch is at `axes`.
        """
        check_model(self.model, model)
        if len(self.ids) > capacity:
            raise InputError(
                f"pool: the file holds {len(self.ids)} streams, this pool takes {capacity}. Make it larger."
            )
        wanted = [
            (*row.shape[:axis], len(self.ids), *row.shape[axis + 1 :])
            for row, axis in zip(rows, axes, strict=True)
        ]
        found = [array.shape for array in self.states]
        dtypes = [array.dtype for array in self.states] == [row.dtype for row in rows]
        if tuple(names) != self.names or found != wanted or not dtypes:
            raise damaged(ValueError("a state is missing or does not fit"))


def rows_at(array: Array, axis: int, slots: Sequence[int]) -> Array:
    """A copy of some rows of a batch."""
    return np.take(array, np.array(slots, np.intp), axis=axis)
