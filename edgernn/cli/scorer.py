"""A model on one file of a collection, wherever that is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgernn.errors import EdgeRNNError

if TYPE_CHECKING:
    from edgernn.runtime import Session


@dataclass(frozen=True)
class Scored:
    """How a file ended.

    Attributes:
        source: the file.
        error: why it has no output; empty where it has.
    """

    source: str
    error: str


@dataclass
class Scorer:
    """Runs a model on a file and writes the outputs; can be sent to another process, which loads it anew.

    Attributes:
        model: path of the model.
        providers: one, or those of which the first that works is taken.
        threads, nan: as `edgernn.load` takes them.
        columns: of .csv files, those to take; empty: all.
    """

    model: str
    providers: tuple[str, ...] = ("cpu",)
    threads: int = 1
    nan: str = "refuse"
    columns: tuple[str, ...] = ()
    _session: Session | None = field(default=None, init=False, repr=False)

    def __call__(self, source: str, target: str) -> Scored:
        """The outputs of a file, from the initial states, as .npy, .npz or .wav at `target`."""
        from edgernn.cli.arrays import write_arrays
        from edgernn.cli.running import batch_of, read_inputs, run_arrays
        from edgernn.cli.sound_outputs import filter_sound, is_sound_output

        session = self.session()
        try:
            if is_sound_output(Path(target)):
                filter_sound(session, [source], Path(target))
                return Scored(source, "")
            arrays = read_inputs(session, [source], self.columns)
            stream = session.stream(batch_of(session, arrays)) if session.manifest.streaming else None
            write_arrays(Path(target), run_arrays(session, arrays, stream))
        except (EdgeRNNError, OSError) as error:
            return Scored(source, str(error))
        return Scored(source, "")

    def session(self) -> Session:
        """The model, loaded at the first call."""
        import edgernn

        if self._session is None:
            self._session = edgernn.load(
                self.model,
                provider=self.providers if len(self.providers) > 1 else self.providers[0],
                threads=self.threads,
                nan="refuse" if self.nan == "refuse" else "allow",
            )
        return self._session

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_session": None}
