"""Taking parts of time: y[:, -1] becomes every step; x[:, 1:] and x[:, :-1] move or shorten a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from edgernn.streaming.context import Context
from edgernn.streaming.flow import Flow, Length, as_positive, aten, plain, prefixes, wrap
from edgernn.streaming.rules.padding import cut
from edgernn.streaming.rules.windows import Window, slide

TARGETS = [aten.select.int, aten.slice.Tensor, aten.narrow.default]

_WAY_OUT = "In a stream only the latest step is known: take y[:, -1], or all steps."


def apply(context: Context, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Take a part of features as it is, and a part of time as far as a stream can."""
    target: Any = context.node.target
    x: Flow = args[0]
    rank = x.tensor.dim()
    dim = as_positive(args[1] if len(args) > 1 else 0, rank)
    if x.kind in ("latest", "fixed"):
        return wrap(target(*plain(args), **plain(kwargs)), x)
    if x.kind == "folded":
        if dim == 0 and not (target is aten.slice.Tensor and _is_whole(args)):
            raise context.refuse("it takes rows of the batch", "Rows must not depend on each other.")
        return wrap(target(*plain(args), **plain(kwargs)), x)
    if dim == x.dim:
        return _of_time(context, x, target, args)
    if target is aten.slice.Tensor and _is_whole(args):
        return x
    if dim == x.batch:
        raise context.refuse("it takes rows of the batch", "Rows must not depend on each other.")
    gone = 1 if target is aten.select.int else 0
    return x.with_(
        tensor=target(*plain(args), **plain(kwargs)),
        dim=x.dim - gone * (dim < x.dim),
        batch=x.batch - gone * (dim < x.batch) if x.batch >= 0 else -1,
        prefix=None if x.prefix is None else target(*prefixes(args), **prefixes(kwargs)),
    )


def _of_time(context: Context, x: Flow, target: Any, args: Sequence[Any]) -> Flow:
    if target is aten.select.int:
        if args[2] != -1:
            raise context.refuse(f"it takes the time step {args[2]}", _WAY_OUT)
        return last_step(context, x)
    if target is aten.narrow.default:
        raise context.refuse("it takes a part of time by its number of steps", _WAY_OUT)
    start, end, step = (list(args[2:]) + [None] * 3)[:3]
    start, step = start or 0, step or 1
    if start == -1 and _is_open(end):
        last = last_step(context, x)
        return last.with_(tensor=last.tensor.unsqueeze(x.dim))
    if isinstance(start, Length) or (isinstance(start, int) and start < 0):
        raise context.refuse("it takes the last steps of time", _WAY_OUT)
    right = 0
    if isinstance(end, Length):
        if end.hop != x.hop:
            raise context.refuse("it is cut to the length of a tensor of another rate", _WAY_OUT)
        right = x.surplus - end.surplus
    elif not _is_open(end):
        if not isinstance(end, int) or end >= 0:
            raise context.refuse(f"it takes the first {plain(end)} steps of time", _WAY_OUT)
        right = -end
    if right < 0:
        right = 0  # a slice cannot end behind the end
    x = cut(x, int(start), right)
    if step == 1:
        return x
    return slide(context, x, Window(0, step), lambda joined: _every(joined, x.dim, step))


def _is_whole(args: Sequence[Any]) -> bool:
    """Whether a slice keeps everything, as the colons in x[:, :, 1:] do."""
    start, end, step = (list(args[2:]) + [None] * 3)[:3]
    return start in (None, 0) and _is_open(end) and step in (None, 1)


def _is_open(end: Any) -> bool:
    """Whether a slice has no end."""
    return end is None or (isinstance(end, int) and end >= torch.iinfo(torch.int32).max)


def _every(tensor: torch.Tensor, dim: int, step: int) -> torch.Tensor:
    """Every step-th frame."""
    taken: torch.Tensor = aten.slice.Tensor(tensor, dim, 0, torch.iinfo(torch.int64).max, step)
    return taken


def last_step(context: Context, x: Flow) -> Flow:
    """The last step of a sequence: in a stream, each step is the last one when it comes."""
    if x.delay + x.surplus != 0:
        raise context.refuse(
            "it takes the last step of something that looks ahead or is padded at its end"
            + (f" (by {x.ahead})" if x.ahead else ""),
            "Pad on the left only, so that the last step is known when it comes.",
        )
    if x.batch < 0:
        raise context.refuse("the batch is no longer a dimension of its own", "Keep the batch apart.")
    front = x.tensor.movedim((x.batch, x.dim), (0, 1)) if (x.batch, x.dim) != (0, 1) else x.tensor
    return x.with_(tensor=front.flatten(0, 1), kind="folded", dim=-1, batch=-1, prefix=None)
