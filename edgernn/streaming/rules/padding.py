"""Padding with a constant: on the left of time it came before the stream; on the right it never comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from edgernn.streaming.context import Context
from edgernn.streaming.flow import Flow, aten, wrap

TARGETS = [aten.pad.default, aten.constant_pad_nd.default]


def apply(context: Context, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Pad features as they are; pad time by moving its start."""
    target: Any = context.node.target
    arguments = dict(zip((item.name for item in target._schema.arguments), args, strict=False)) | kwargs
    x, pads = args[0], list(arguments["pad"])
    mode = arguments.get("mode", "constant")
    value = float(arguments.get("value") or 0.0)
    if x.kind != "timed":
        return wrap(torch.nn.functional.pad(x.tensor, pads, mode, value), x)
    place = 2 * (x.tensor.dim() - 1 - x.dim)
    left, right = (pads[place], pads[place + 1]) if place < len(pads) else (0, 0)
    if (left or right) and mode != "constant":
        raise context.refuse(
            f"it pads time in mode {mode!r}, with values that come later or not at all",
            "Pad with a constant.",
        )
    if left < 0 or right < 0:
        x = cut(x, max(-left, 0), max(-right, 0))
        left, right = max(left, 0), max(right, 0)
    if place < len(pads):
        pads[place] = pads[place + 1] = 0
    if any(pads):
        x = _pad_features(context, x, pads, mode, value)
    if left:
        x = before(context, x, left, value)
    return context.named_ahead(x.with_(surplus=x.surplus + right), x)


def _pad_features(context: Context, x: Flow, pads: list[int], mode: str, value: float) -> Flow:
    pad = torch.nn.functional.pad
    prefix = x.prefix if x.prefix is None else pad(x.prefix, pads, mode, value)
    return x.with_(tensor=pad(x.tensor, pads, mode, value), prefix=prefix)


def before(context: Context, x: Flow, count: int, value: float) -> Flow:
    """The flow with `count` frames of a constant before its sequence's first."""
    x = context.masked(x, value)
    delay = x.delay - count
    prefix = None
    if delay < 0 and context.discovering:
        sizes = list(x.tensor.shape)
        sizes[x.dim], sizes[x.batch] = min(count, -delay), 1
        prefix = torch.full(sizes, value, dtype=x.tensor.dtype)
        if x.prefix is not None:
            prefix = torch.cat([prefix, x.prefix], dim=x.dim)
    return x.with_(delay=delay, surplus=x.surplus + count, prefix=prefix)


def cut(x: Flow, left: int, right: int) -> Flow:
    """The flow without the first and last frames of its sequence."""
    delay = x.delay + left
    prefix = x.prefix
    if prefix is not None and left:
        prefix = prefix.narrow(x.dim, left, -delay) if delay < 0 else None
    made = x.with_(delay=delay, surplus=x.surplus - left - right, prefix=prefix)
    return made if made.lookahead > 0 else made.with_(ahead="")
