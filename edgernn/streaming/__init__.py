"""A captured module → the same module with its states outside: (chunk, states) → (outputs, states)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from edgernn.capture import BATCH, TIME, Captured, check_free, trace
from edgernn.capture.inputs import DimNames, with_sizes
from edgernn.errors import StreamingError
from edgernn.manifest import StateSpec
from edgernn.streaming.context import Context, NeedsMultipleError
from edgernn.streaming.flow import Flow
from edgernn.streaming.follow import StreamingModule

__all__ = ["OutputTime", "StreamingModule", "StreamingProgram", "make_streaming"]

# Steps that a pass starts with: no size that a feature dimension is likely to have.
_STEPS = 7
_TRACED_FRAMES = 61


@dataclass(frozen=True)
class OutputTime:
    """Where time is in an output.

    Attributes:
        dim: the dimension; None where it has no time.
        hop, upsampling: input steps ÷ output steps = hop ÷ upsampling.
        delay: steps at the start of a stream that no sequence has.
    """

    dim: int | None
    hop: int = 1
    upsampling: int = 1
    delay: int = 0


@dataclass(frozen=True)
class StreamingProgram:
    """A traced streaming graph.

    Attributes:
        program: inputs are the module's, then the states; outputs are the module's, then the new states.
        states: the states in order.
        outputs: where time is in each output of the module.
        hop: what the steps of a chunk must be a multiple of.
        lookahead: input steps of the future that the outputs wait for.
    """

    program: ExportedProgram
    states: tuple[StateSpec, ...]
    outputs: tuple[OutputTime, ...]
    hop: int = 1
    lookahead: int = 0


def make_streaming(
    captured: Captured, *, chunk: int | None = None, lookahead: int = 0, running_mean: bool = False
) -> StreamingProgram:
    """Turn a captured module into its streaming form.

    Args:
        captured: what was traced.
        chunk: steps of every chunk; None leaves them free.
        lookahead: input steps of the future that outputs may wait for.
        running_mean: whether a mean over all time becomes the mean so far; otherwise it is refused.

    Raises:
        StreamingError: where it cannot stream; the message names the module, the reason and the way out.
    """
    if all(info.time_dim is None for info in captured.inputs):
        raise StreamingError("the module cannot stream: none of its inputs has a time dimension.")
    if not any(BATCH in info.dims for info in captured.inputs):
        raise StreamingError(
            "the module cannot stream: none of its inputs has a batch dimension, which the states need. "
            "Give it inputs (batch, time, features)."
        )
    _refuse_declared(captured)
    module = StreamingModule(captured, chunk, running_mean)
    outputs, context, hop = _discover(module, captured, chunk)
    ahead = _lookahead(outputs, lookahead)
    # Many frames, so that torch does not take a small number of them for a special case.
    inputs = _inputs(captured, chunk or hop * _TRACED_FRAMES)
    # Clones: torch guards on what a view is a view of.
    states = tuple(state.clone() for state in context.new_states if state is not None)
    fixed = {None} if chunk is None else {None, TIME}
    dynamic_inputs = tuple(
        {index: Dim.AUTO for index, dim in enumerate(info.dims) if dim not in fixed}
        for info in captured.inputs
    )
    dynamic_states = tuple({state.dims.index(BATCH): Dim.AUTO} for state in context.states)
    # A forward with *tensors takes its dynamic shapes as one nested entry.
    program = trace(module, (*inputs, *states), [(*dynamic_inputs, *dynamic_states)])
    check_free(program, captured.inputs, chunk is None)
    return StreamingProgram(
        program, tuple(context.states), tuple(_output_time(flow) for flow in outputs), hop, ahead
    )


def _refuse_declared(captured: Captured) -> None:
    """Raise StreamingError where a module says by an attribute `needs_whole_input` why it cannot stream."""
    for path, part in captured.module.named_modules():
        reason = getattr(part, "needs_whole_input", "")
        if reason:
            name = f"module {path!r}" if path else "the model itself"
            raise StreamingError(f"{name} ({type(part).__name__}) cannot stream: {reason}")


def _discover(
    module: StreamingModule, captured: Captured, chunk: int | None
) -> tuple[list[Flow], Context, int]:
    """Follow the graph once with real numbers: what the states are, and what a chunk is a multiple of."""
    hop = 1
    while True:
        inputs = _inputs(captured, chunk or hop * _STEPS)
        try:
            with torch.no_grad():
                outputs, context = module.follow(inputs)
        except NeedsMultipleError as need:
            if chunk is not None:
                raise StreamingError(
                    f"chunk: {chunk} steps are no multiple of the module's hop, {need.steps}. "
                    f"Use chunk={need.steps} or a multiple of it."
                ) from None
            hop = math.lcm(hop, need.steps)
            continue
        return outputs, context, hop


def _inputs(captured: Captured, steps: int) -> tuple[Tensor, ...]:
    return tuple(_sized(info.example, info.dims, batch=2, steps=steps) for info in captured.inputs)


def _lookahead(outputs: list[Flow], allowed: int) -> int:
    """Input steps that the outputs wait for; refuses more than are allowed."""
    needed = max((math.ceil(flow.lookahead) for flow in outputs if flow.kind == "timed"), default=0)
    if needed > allowed:
        culprit = next((flow.ahead for flow in outputs if flow.ahead), "the module")
        raise StreamingError(
            f"{culprit} cannot stream without delay: it looks {needed} input steps ahead, allowed are "
            f"{allowed}. Pad on the left only, or allow it with lookahead={needed}: outputs then come "
            f"{needed} steps later."
        )
    return max(needed, 0)


def _output_time(flow: Flow) -> OutputTime:
    if flow.kind != "timed":
        return OutputTime(None)
    hop = Fraction(flow.hop)
    return OutputTime(flow.dim, hop.numerator, hop.denominator, flow.delay)


def _sized(example: Tensor, dims: DimNames, *, batch: int, steps: int) -> Tensor:
    """The example with other sizes of batch and time, and of what else is free, its content repeated."""
    sizes = {BATCH: batch, TIME: steps}
    for size, dim in zip(example.shape, dims, strict=True):
        if dim is not None and dim not in sizes:
            # torch takes a size of 1 for a special case, and equal sizes for one.
            sizes[dim] = max(size, batch + 1) + (max(size, batch + 1) == steps)
    return with_sizes(example, dims, sizes)
