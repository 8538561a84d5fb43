"""Long sequences in windows: batches go on where the last ones ended, with the states that they ended in.

Truncated back-propagation through time (Williams & Peng 1990, "An efficient gradient-based algorithm for
on-line training of recurrent network trajectories"): the gradient reaches back to the start of a window, the
state to the start of the sequence.

All windows stand in one row behind each other and are cut into `rows` runs of like length. Step n of an epoch
takes window n of each run, so a batch's row goes on with the same run, and its state with it. Every run
begins in the initial state, and so does every sequence; an epoch begins with all of them. What is carried
then follows from the seed and the epoch alone, and a checkpoint, which is made between epochs, needs nothing
of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from edgernn.errors import InputError
from edgernn.training.options import TrainingOptions, option

State = tuple[Tensor, ...]


@dataclass(frozen=True)
class StreamOptions(TrainingOptions):
    """What recipes that learn from long sequences can be told besides."""

    batch_size: int = option(32, "Streams that are read side by side, a window of each in a step.", minimum=1)
    window: int = option(
        64, "Time steps of a training step: the gradient reaches no further back, the state does.", minimum=1
    )


@dataclass(eq=False)
class StreamBatch:
    """A window of each row; iterated over, it is the inputs and the target.

    Attributes:
        inputs: (rows, window, …); behind the end of a shorter window zeros.
        target: (rows, window, …), likewise.
        starts: (rows,) whether the row begins in the initial state.
        inside: (rows, window) whether the step is one of the sequence.
    """

    inputs: Tensor
    target: Tensor
    starts: Tensor
    inside: Tensor

    def __iter__(self) -> Iterator[Tensor]:
        return iter((self.inputs, self.target))


class Streams(Dataset):
    """Windows of sequences, as a data set that takes a list of their numbers and gives a `StreamBatch`.

    Args:
        inputs: each (time, …), one step or more.
        targets: of each, (time, …).
        window: time steps.
        rows: runs that are read side by side; fewer where there are not so many windows.

    Raises:
        InputError: where an input and its target differ in length, or there is no step.
    """

    def __init__(self, inputs: Sequence[Tensor], targets: Sequence[Tensor], window: int, rows: int) -> None:
        lengths = [len(sequence) for sequence in inputs]
        if lengths != [len(sequence) for sequence in targets] or not lengths or min(lengths) < 1:
            raise InputError(
                "streams: each sequence must have a step and as many targets as steps, found steps "
                f"{lengths} and targets {[len(sequence) for sequence in targets]}."
            )
        self.inputs, self.targets, self.window = list(inputs), list(targets), window
        self._places = [(n, start) for n, steps in enumerate(lengths) for start in range(0, steps, window)]
        self.rows = min(rows, len(self._places))
        shorter, more = divmod(len(self._places), self.rows)
        sizes = [shorter + (row < more) for row in range(self.rows)]
        # The first window of each run, and the end of the last one.
        self._bounds = [0, *torch.tensor(sizes).cumsum(0).tolist()]
        self._first = set(self._bounds[:-1])

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, numbers: list[int]) -> StreamBatch:
        places = [self._places[number] for number in numbers]
        starts = [
            start == 0 or number in self._first for number, (_, start) in zip(numbers, places, strict=True)
        ]
        lengths = torch.tensor([min(self.window, len(self.inputs[n]) - start) for n, start in places])
        return StreamBatch(
            self._cut(self.inputs, places),
            self._cut(self.targets, places),
            torch.tensor(starts),
            torch.arange(self.window) < lengths[:, None],
        )

    def order(self) -> StreamOrder:
        """The lists of windows that make the batches of an epoch."""
        return StreamOrder(self._bounds)

    def _cut(self, sequences: list[Tensor], places: list[tuple[int, int]]) -> Tensor:
        cut = sequences[0].new_zeros(len(places), self.window, *sequences[0].shape[1:])
        for row, (n, start) in zip(cut, places, strict=True):
            part = sequences[n][start : start + self.window]
            row[: len(part)] = part
        return cut


class StreamOrder(Sampler[list[int]]):
    """Window n of each run that has one, for n = 0, 1, …; runs never change their row.

    Args:
        bounds: the first window of each run and the end of the last run; no run is longer than the one
            before it.
    """

    def __init__(self, bounds: Sequence[int]) -> None:
        self.bounds = bounds

    def __len__(self) -> int:
        return self.bounds[1] - self.bounds[0]

    def __iter__(self) -> Iterator[list[int]]:
        runs = list(zip(self.bounds, self.bounds[1:], strict=False))
        for step in range(len(self)):
            yield [start + step for start, end in runs if start + step < end]


class CarriedState:
    """The states that the rows of the last batch ended in: (layers, rows, size) each, without gradient."""

    def __init__(self) -> None:
        self._state: State | None = None

    def before(self, initial: State, starts: Tensor) -> State:
        """The states that a batch begins in: what was kept, and `initial` in the rows that start.

        Args:
            initial: (layers, rows, size) each.
            starts: (rows,) booleans.
        """
        if self._state is None or bool(starts.all()):
            return initial
        fresh = starts.unsqueeze(-1)
        # Runs that are over were the last rows.
        return tuple(
            torch.where(fresh, first, kept[:, : len(starts)])
            for first, kept in zip(initial, self._state, strict=True)
        )

    def keep(self, state: State) -> None:
        """Keep the states that a batch ended in."""
        self._state = tuple(part.detach() for part in state)
