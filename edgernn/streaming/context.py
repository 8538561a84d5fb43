"""What rules share while a graph is followed: states, delays, and words for what cannot stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor
from torch.fx import Node

from edgernn.errors import StreamingError
from edgernn.manifest import StateSpec
from edgernn.streaming.flow import Flow


class NeedsMultipleError(Exception):
    """The chunk at hand is no multiple of the module's hop: follow again with one that is."""

    def __init__(self, steps: int) -> None:
        super().__init__(steps)
        self.steps = steps


@dataclass
class Context:
    """State of one pass through a graph.

    Attributes:
        node: the node at hand.
        batch: rows of the inputs.
        steps: time steps of the chunk.
        given: values of the states for this pass, in order; None where they start from their initial ones,
            and the pass finds out which states there are.
        running_mean: whether a mean over all time becomes the mean so far.
        states: the states found, in order.
        new_states: their values after the chunk.
    """

    node: Node
    batch: Any
    steps: Any
    given: Sequence[Tensor] | None = None
    running_mean: bool = False
    states: list[StateSpec] = field(default_factory=list)
    new_states: list[Tensor | None] = field(default_factory=list)
    _position: Tensor | None = None

    @property
    def discovering(self) -> bool:
        """Whether this pass finds out which states there are."""
        return self.given is None

    def refuse(self, reason: str, way_out: str) -> StreamingError:
        """An error that names the module at fault, the reason and the way out."""
        return StreamingError(f"{self.module} cannot stream: {reason}. {way_out}")

    @property
    def module(self) -> str:
        """Path and class of the module that the node at hand was traced from, in words."""
        for path, kind in reversed(list((self.node.meta.get("nn_module_stack") or {}).values())):
            name = kind if isinstance(kind, str) else kind.__name__
            kind_name = f"({str(name).rpartition('.')[2]})"
            return f"module {path!r} {kind_name}" if path else f"the model itself {kind_name}"
        return f"operation {self.node.name!r}"

    def frames(self, hop: Fraction) -> Any:
        """Frames of a chunk at a hop."""
        if self.discovering and self.steps * hop.denominator % hop.numerator:
            raise NeedsMultipleError(hop.numerator)
        return self.steps * hop.denominator // hop.numerator

    def state(self, row: Tensor, batch: int, purpose: str, **spec: Any) -> tuple[int, Tensor]:
        """A state: its number, for `keep`, and its value before the chunk.

        Args:
            row: what a row of the batch holds before the first chunk; size 1 in the batch dimension.
            batch: which dimension is the batch.
            purpose: for its name and meaning, e.g. "history".
            spec: further fields of its StateSpec.
        """
        index = len(self.new_states)
        self.new_states.append(None)
        if self.given is not None:
            return index, self.given[index]
        stem = f"state_{index:02d}_{self._stem(spec)}_{purpose}"
        dims = tuple("batch" if dim == batch else int(size) for dim, size in enumerate(row.shape))
        meaning = spec.pop("meaning", f"{purpose} of {self.module}")
        dtype = str(row.dtype).removeprefix("torch.")
        self.states.append(
            StateSpec(f"{stem}_in", f"{stem}_out", dtype, dims, _initial(row), meaning=meaning, **spec)
        )
        sizes = [self.batch if dim == batch else size for dim, size in enumerate(row.shape)]
        return index, row.expand(sizes)

    def _stem(self, spec: dict[str, Any]) -> str:
        if spec.get("layer"):
            return str(spec["layer"]).replace(".", "_")
        stack = list((self.node.meta.get("nn_module_stack") or {}).values())
        path = stack[-1][0] if stack else ""
        return (path or self.node.name).replace(".", "_")

    def keep(self, index: int, value: Tensor) -> None:
        """Set a state's value after the chunk."""
        self.new_states[index] = value

    def position(self) -> Tensor:
        """(batch,): input steps before the chunk, of each row; a state that is made when first asked for."""
        if self._position is None:
            index, before = self.state(
                torch.zeros(1, dtype=torch.int64), 0, "steps", meaning="steps since the start"
            )
            self._position = before
            self.keep(index, before + self.steps)
        return self._position

    def started(self, flow: Flow) -> Tensor:
        """Booleans that broadcast to a timed flow: whether a frame is one that a sequence has."""
        if flow.batch < 0:
            raise self.refuse("the batch is no longer a dimension of its own", "Keep the batch apart.")
        frames = self.frames(flow.hop)
        before = self.position() * flow.hop.denominator // flow.hop.numerator
        started = before.unsqueeze(1) + torch.arange(frames) >= flow.delay  # (batch, frames)
        if flow.dim < flow.batch:
            started = started.transpose(0, 1)
        sizes: list[Any] = [1] * flow.tensor.dim()
        sizes[flow.dim], sizes[flow.batch] = frames, self.batch
        return started.reshape(sizes)

    def masked(self, flow: Flow, value: float) -> Flow:
        """The flow with `value` in the frames that come before the sequence's first."""
        if flow.delay <= 0:
            return flow
        fill = torch.full((), value, dtype=flow.tensor.dtype)
        return flow.with_(tensor=torch.where(self.started(flow), flow.tensor, fill))

    def with_history(self, flow: Flow, frames: int, value: float, purpose: str = "history") -> Tensor:
        """The flow's tensor behind its last frames of earlier chunks; at first the prefix, or `value`."""
        if frames == 0:
            return flow.tensor
        if flow.batch < 0:
            raise self.refuse("the batch is no longer a dimension of its own", "Keep the batch apart.")
        index, before = self.state(self._past(flow, frames, value), flow.batch, purpose)
        joined = torch.cat([before, flow.tensor], dim=flow.dim)
        self.keep(index, last_frames(joined, flow.dim, frames))
        return joined

    def _past(self, flow: Flow, frames: int, value: float) -> Tensor:
        """What came in the `frames` frames before the stream, for one row."""
        sizes = list(flow.tensor.shape)
        sizes[flow.dim], sizes[flow.batch] = frames, 1
        past = torch.full(sizes, value, dtype=flow.tensor.dtype) if self.discovering else torch.empty(0)
        if flow.prefix is not None and self.discovering:
            past = last_frames(torch.cat([past, flow.prefix], dim=flow.dim), flow.dim, frames)
        return past

    def delayed(self, flow: Flow, delay: int) -> Flow:
        """The flow, later, so that its delay is `delay`."""
        late = delay - flow.delay
        if late == 0:
            return flow
        joined = self.with_history(flow, late, 0.0, "delay")
        prefix = flow.prefix
        if prefix is not None:
            prefix = prefix.narrow(flow.dim, 0, -delay) if delay < 0 else None
        return flow.with_(tensor=but_last_frames(joined, flow.dim, late), delay=delay, prefix=prefix)

    def named_ahead(self, made: Flow, x: Flow) -> Flow:
        """`made`, named after the current module where that is the first on its way to look ahead."""
        first = made.lookahead > max(x.lookahead, Fraction(0)) and not made.ahead
        return made.with_(ahead=self.module) if first else made

    def aligned(self, flows: Sequence[Flow]) -> list[Flow]:
        """Timed flows that meet, all with the largest delay among them; refuses other rates and lengths."""
        if len({flow.hop for flow in flows}) > 1:
            raise self.refuse(
                "tensors of different rates meet", "Bring them to one rate with a stride or an upsampling."
            )
        if len({flow.surplus for flow in flows}) > 1:
            raise self.refuse(
                "tensors of different lengths meet", "Pad or cut them to one length, as the sequence has it."
            )
        latest = max(flow.delay for flow in flows)
        return [self.delayed(flow, latest) for flow in flows]


Rule = Callable[[Context, Sequence[Any], dict[str, Any]], Any]


def last_frames(tensor: Tensor, dim: int, count: int) -> Tensor:
    """The last `count` frames, by a slice whose bounds are constants of the graph."""
    sliced: Tensor = torch.ops.aten.slice.Tensor(tensor, dim, -count, torch.iinfo(torch.int64).max)
    return sliced


def but_last_frames(tensor: Tensor, dim: int, count: int) -> Tensor:
    """All but the last `count` frames."""
    sliced: Tensor = tensor if count == 0 else torch.ops.aten.slice.Tensor(tensor, dim, 0, -count)
    return sliced


def _initial(row: Tensor) -> float | tuple[float, ...]:
    values = row.detach().reshape(-1).tolist()
    return float(values[0]) if len(set(values)) <= 1 else tuple(float(value) for value in values)
