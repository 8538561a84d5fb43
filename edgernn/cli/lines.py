"""Standard input line by line through a model: each line is answered before the next is read."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from edgernn.cli import rows
from edgernn.cli.arrays import Array, number
from edgernn.cli.console import print_note
from edgernn.cli.delay import DelayedOutputs
from edgernn.cli.outcome import print_json
from edgernn.errors import InputError

if TYPE_CHECKING:
    from edgernn.manifest import TensorSpec
    from edgernn.runtime import Session, Stream


def answer_lines(session: Session, stream: Stream | None, json: bool, fresh: bool = True) -> None:
    """Read values from standard input, one time step a line, and print the outputs, one step a line.

    A streaming model answers as soon as it has the lines of a chunk; a sequence model after the last line.
    Values are separated by commas or blanks; empty lines are passed over. `fresh` says whether the stream is
    at its start, where a model that looks ahead has nothing to say yet.

    Raises:
        InputError: a line that does not fit, by its number, or no lines at all.
    """
    spec = only_input(session)
    delayed = DelayedOutputs(session.outputs, fresh and stream is not None)
    count = 0
    for chunk in _chunks(session, _read_lines(spec, session.nan), stream is not None):
        count += len(chunk)
        array = rows.from_rows(np.array(chunk), spec)
        result = session.run(array) if stream is None else stream.push(array)
        outputs = result if isinstance(result, dict) else {session.outputs[0].name: result}
        print_outputs(session, delayed.cut(outputs), json)
    if not count:
        raise InputError("input: standard input holds no lines.")


def only_input(session: Session) -> TensorSpec:
    """The input that lines are for; raises InputError where the model has several, or a larger batch."""
    if len(session.inputs) != 1:
        names = ", ".join(spec.name for spec in session.inputs)
        raise InputError(
            f"INPUT: standard input feeds one input, and the model has {names}; give .npy files."
        )
    return session.inputs[0]


def print_outputs(session: Session, outputs: dict[str, Array], json: bool) -> None:
    """Print outputs, one time step a line; where there are several, each with its name in front."""
    for spec in session.outputs:
        for values in rows.steps(outputs[spec.name], spec):
            if json:
                print_json({spec.name: rows.plain(values)})
            elif len(session.outputs) == 1:
                sys.stdout.write(rows.line(values) + "\n")
            else:
                sys.stdout.write(f"{spec.name}\t{rows.line(values)}\n")
    sys.stdout.flush()


def _read_lines(spec: TensorSpec, nan: str) -> Iterator[list[float]]:
    wanted = rows.values_a_step(spec)
    # readline, not the file's own iteration, which may read ahead and answer late.
    for place, text in enumerate(iter(sys.stdin.readline, ""), start=1):
        cells = text.replace(",", " ").split()
        if not cells:
            continue
        values = [number(cell, f"line {place}") for cell in cells]
        if wanted is not None and len(values) != wanted:
            raise InputError(
                f"input: line {place} holds {len(values)} values; the model takes {wanted}, one a feature."
            )
        if nan == "refuse" and not np.isfinite(values).all():
            raise InputError(
                f"input: line {place} holds NaN or infinity ({text.strip()}). Clean the signal, or let them "
                "in with --nan allow."
            )
        yield values


def _chunks(session: Session, lines: Iterable[list[float]], streaming: bool) -> Iterator[list[list[float]]]:
    """Lines grouped as the model takes them: all at once, or as many as a push needs."""
    if not streaming:
        found = list(lines)
        if found:
            yield found
        return
    size = session.manifest.chunk or session.manifest.hop
    waiting: list[list[float]] = []
    for values in lines:
        waiting.append(values)
        if len(waiting) == size:
            yield waiting
            waiting = []
    if waiting:
        print_note(f"the last {len(waiting)} lines are not answered: the model takes {size} at a time.")
