"""What is tried: files, and ways to run each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgernn.errors import InputError
from edgernn.graph.recurrence import form_names
from edgernn.quantize import scheme_names

FLOAT32 = "float32"


@dataclass(frozen=True)
class FileChoice:
    """How a file is written.

    Attributes:
        recurrence: a form of the recurrence, as `edgernn.export` takes it.
        scheme: "float32", or a scheme of `edgernn.quantize`.
        steps: time steps of a call that the file fixes; None where it takes any number.
    """

    recurrence: str
    scheme: str
    steps: int | None

    @property
    def name(self) -> str:
        """A file name, unique among the choices."""
        return f"{self.recurrence}.{self.scheme}.{'any' if self.steps is None else self.steps}.onnx"


@dataclass(frozen=True)
class Space:
    """All that a search tries, in order.

    Attributes:
        streaming: whether files stream.
        recurrences, schemes: names.
        chunks: time steps of a call to measure.
        fixed: whether all files fix the number of steps, as unrolled ones always do.
        threads: threads inside an operator.
        memory_arenas: see `edgernn.load`.
    """

    streaming: bool
    recurrences: tuple[str, ...]
    schemes: tuple[str, ...]
    chunks: tuple[int, ...]
    fixed: bool
    threads: tuple[int, ...]
    memory_arenas: tuple[bool, ...]

    def files(self) -> Iterator[FileChoice]:
        """Every file; the float32 file of a form stands before those that are quantized from it."""
        for recurrence in self.recurrences:
            for steps in self._fixed_steps(recurrence):
                for scheme in (FLOAT32, *(scheme for scheme in self.schemes if scheme != FLOAT32)):
                    yield FileChoice(recurrence, scheme, steps)

    def runs(self, file: FileChoice) -> Iterator[tuple[int, int, bool]]:
        """Every (steps of a call, threads, memory arena) that a file is run with."""
        chunks = self.chunks if file.steps is None else (file.steps,)
        yield from itertools.product(chunks, self.threads, self.memory_arenas)

    def _fixed_steps(self, recurrence: str) -> tuple[int | None, ...]:
        if recurrence == "unrolled":
            # It can't be free, and a long sequence that nobody asked to fix would be thousands of nodes.
            return self.chunks if self.fixed or self.streaming else ()
        if self.fixed:
            return self.chunks
        # A stream may fix its chunk, which saves the graph what depends on the number of steps.
        return (None, *self.chunks) if self.streaming else (None,)


def make_space(
    *,
    streaming: bool,
    recurrences: Sequence[str] | None,
    schemes: Sequence[str] | None,
    chunks: Sequence[int],
    fixed: bool,
    threads: Sequence[int],
) -> Space:
    """A space of checked names and numbers; None stands for all there are.

    Raises InputError for what is unknown, empty or not a whole number from 1.
    """
    for name, numbers in (("chunks", chunks), ("threads", threads)):
        if not numbers or any(isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in numbers):
            raise InputError(f"{name}: expected one or more whole numbers from 1, found {list(numbers)!r}.")
    return Space(
        streaming,
        _known("recurrences", recurrences, form_names()),
        _known("schemes", schemes, [FLOAT32, *scheme_names()]),
        tuple(dict.fromkeys(chunks)),
        fixed,
        tuple(dict.fromkeys(threads)),
        (False, True),
    )


def _known(what: str, given: Sequence[str] | None, allowed: Sequence[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(allowed if given is None else given))
    unknown = [name for name in names if name not in allowed]
    if unknown or not names:
        raise InputError(f"{what}: found {list(names)!r}; use some of {list(allowed)}.")
    return names
