"""A recurrent layer: its states become inputs and outputs of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from edgernn.capture import Layer, find_layer
from edgernn.sequence import initial_states
from edgernn.streaming.context import Context
from edgernn.streaming.flow import Flow, flows_in

TARGETS = [torch.ops.edgernn.recurrence.default]


def apply(context: Context, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """y for the chunk, and the states after it."""
    x, lengths, given, key = args
    layer = find_layer(key)
    if context.discovering:
        _check(context, layer, x, lengths, given)
    start = _start(layer, x, key)
    names = layer.cells[0].state_names
    kept = [
        context.state(
            row,
            1,
            name,
            layer=layer.name,
            name=name,
            meaning=f"state {name} of {type(layer.cells[0]).__name__} {layer.name}",
        )
        for name, row in zip(names, start[1:], strict=True)
    ]
    states = [before for _, before in kept]
    if x.delay > 0:
        y, finals = _after_delay(context, x, states, key)
    else:
        y, *finals = torch.ops.edgernn.recurrence(x.tensor, None, states, key)
    for (index, _), final in zip(kept, finals, strict=True):
        context.keep(index, final)
    flow = x.with_(tensor=y, prefix=start[0])
    return [flow, *(x.with_(tensor=final, kind="latest", dim=-1, prefix=None) for final in finals)]


def _start(layer: Layer, x: Flow, key: str) -> list[Any]:
    """The output over the prefix (None without one), and the states before the stream, for one row."""
    rows = [part.detach() for part in initial_states(layer.cells, 1)]
    if x.prefix is None:
        return [None, *rows]
    with torch.no_grad():
        return list(torch.ops.edgernn.recurrence(x.prefix, None, rows, key))


def _after_delay(context: Context, x: Flow, states: list[Tensor], key: str) -> tuple[Tensor, list[Tensor]]:
    """The frames before the sequence's first must not move the states.

    Each row's frames are rotated so that its own first one stands at the start, the layer runs over as many
    as are there, and its outputs are rotated back.
    """
    frames = context.frames(x.hop)
    before = context.position() * x.hop.denominator // x.hop.numerator
    skipped = (x.delay - before).clamp(min=0)  # (batch,)
    every = torch.ones_like(skipped) * frames
    skipped = torch.minimum(skipped, every)
    there = every - skipped
    times = torch.arange(frames).unsqueeze(1)  # (frames, 1)
    rotated = times + skipped
    rotated = torch.where(rotated >= every, rotated - every, rotated).unsqueeze(-1)
    tensor = x.tensor.gather(0, rotated.expand(-1, -1, x.tensor.shape[2]))
    # Layers take lengths of 1 and more; rows with nothing yet keep their states.
    y, *finals = torch.ops.edgernn.recurrence(tensor, there.clamp(min=1), states, key)
    back = times - skipped
    back = torch.where(back < 0, back + every, back).unsqueeze(-1)
    y = y.gather(0, back.expand(-1, -1, y.shape[2]))
    some = (there > 0).reshape(1, -1, 1)
    return y, [torch.where(some, final, old) for final, old in zip(finals, states, strict=True)]


def _check(context: Context, layer: Layer, x: Any, lengths: Any, given: Sequence[Any]) -> None:
    if layer.directions == 2:
        raise context.refuse(
            "its backward direction starts at the end of the input",
            "Use bidirectional=False, or export with streaming=False.",
        )
    if lengths is not None:
        raise context.refuse(
            "it takes lengths", "A stream has no end: leave the lengths out, and reset the stream instead."
        )
    # Zeros, which users write out, are what the stream starts from where the cells do too.
    starts = [*given, *initial_states(layer.cells, 1)] if given else []
    if flows_in(given) or any(isinstance(start, Tensor) and bool(start.any()) for start in starts):
        raise context.refuse(
            "its initial state is computed by the module or comes from an input",
            "The stream keeps the states itself: call the layer without an initial state.",
        )
    if not isinstance(x, Flow) or x.kind != "timed" or x.dim != 0 or x.batch != 1:
        raise context.refuse(
            "its input has no time, or time is not where the layer reads it",
            "Check batch_first and the transposes before it.",
        )
