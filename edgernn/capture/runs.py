"""Cells that go over whole sequences, while a loop over time is followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from edgernn.capture.opaque import Layer, call_recurrence
from edgernn.capture.steps import Series, Step, StepTable, tensors_in
from edgernn.cells import State
from edgernn.errors import ExportError

NOT_FOLLOWED = (
    "edgernn cannot follow the loop over time around it: each step of the sequence must call it once, with "
    "the state that it gave at the step before"
)


@dataclass(eq=False)
class Run:
    """A cell that goes over a sequence, one call at a time.

    Attributes:
        layer: the cell.
        x, y: its input and its output, all steps of them.
        finals: its states after the last step, (1, B, size) each.
        reverse: whether the loop goes from the end to the start.
        at: the last step that was called.
        left: how many calls are left.
    """

    layer: Layer
    x: Series
    y: Series
    finals: State
    reverse: bool
    at: int
    left: int


class Runs:
    """The cells' runs of one forward."""

    def __init__(self, table: StepTable) -> None:
        self._table = table
        self._runs: list[Run] = []
        # States that a cell gives beside its output: only a cell may read them before the last step.
        self._states: dict[int, tuple[Tensor, Run, int]] = {}

    def advance(self, layer: Layer, x: Tensor, state: State | None) -> State | None:
        """One call of a cell: the states after it, or None where it is no step of a run."""
        step = self._table.of(x)
        if step is None or step.axis is not None or x.dim() != 2:
            self.check_states(state)
            return None
        for run in reversed(self._runs):
            if run.layer is layer and run.x is step.series and self._goes_on(run, step.t, state):
                run.at, run.left = step.t, run.left - 1
                return self._after(run)
        if step.t not in (0, step.series.count - 1):
            return None
        self.check_states(state)
        self._runs.append(self._start(layer, step, state))
        return self._after(self._runs[-1])

    def finish(self) -> None:
        """Raise ExportError where a loop ended before its sequence did."""
        for run in self._runs:
            if run.left:
                raise ExportError(refusal(run.layer, NOT_FOLLOWED))

    def _start(self, layer: Layer, step: Step, state: State | None) -> Run:
        reverse, count = step.t != 0, step.series.count
        x = step.series.tensor.flip(0) if reverse else step.series.tensor
        y, finals = call_recurrence(layer, x, tuple(part.unsqueeze(0) for part in state or ()), None)
        series = self._table.series_of(y.flip(0) if reverse else y, 0)
        return Run(layer, step.series, series, finals, reverse, step.t, count - 1)

    def _goes_on(self, run: Run, t: int, state: State | None) -> bool:
        if state is None or t != run.at + (-1 if run.reverse else 1):
            return False
        if self._table.of(state[0]) != Step(run.y, run.at):
            return False
        return all(self._states.get(id(part), (part, None, 0))[1:] == (run, run.at) for part in state[1:])

    def _after(self, run: Run) -> State:
        """The states after the step that was called last. Those of the last step are the final ones."""
        finals = tuple(part.squeeze(0) for part in run.finals)
        h = run.y.tensor[run.at] if run.left else finals[0]
        self._table.mark(h, Step(run.y, run.at))
        for part in finals[1:]:
            self._states[id(part)] = (part, run, run.at)
        return (h, *finals[1:])

    def check_states(self, values: Any) -> None:
        """Raise ExportError where values hold a state that is known after the last step alone."""
        for tensor in tensors_in(values):
            _, run, at = self._states.get(id(tensor), (None, None, 0))
            last = None if run is None else 0 if run.reverse else run.y.count - 1
            if run is not None and at != last:
                raise ExportError(refusal(run.layer, "the loop reads its state c before the last step"))


def refusal(layer: Layer, reason: str) -> str:
    """What to say of a cell in a loop that cannot be followed."""
    cell = layer.cells[0]
    kind, x, h = type(cell).__name__, cell.input_size, cell.hidden_size
    states = "(h, c)" if len(cell.state_names) == 2 else "(h,)"
    return (
        f"module {layer.path!r}: {reason}. Write the loop as a layer: "
        f"self.rnn = edgernn.Recurrent(edgernn.{kind}({x}, {h})) and y, {states} = self.rnn(x) with x "
        "(batch, time, features); what else a step computes goes into a cell of your own (edgernn.Cell). Or "
        "fix the number of time steps with length=."
    )
