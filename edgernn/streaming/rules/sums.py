"""Sums over time: a cumulative sum carries on; a mean over all time becomes the mean so far, if asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from edgernn.streaming.context import Context, last_frames
from edgernn.streaming.flow import Flow, aten, flows_in
from edgernn.streaming.rules import features
from edgernn.streaming.rules.selection import last_step

TARGETS = [aten.cumsum.default, aten.mean.dim, aten.mean.default]


def apply(context: Context, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Carry the sum over time from chunk to chunk; sums over features are computed as they are."""
    target: Any = context.node.target
    x: Flow = flows_in(args)[0]
    rank = x.tensor.dim()
    dims = features.as_list(args[1] if len(args) > 1 else kwargs.get("dim"), rank)
    if x.kind != "timed" or x.dim not in dims:
        return _over_features(context, x, dims, args, kwargs)
    if target is aten.cumsum.default:
        return _running_sum(context, x)
    if dims != [x.dim]:
        raise context.refuse("its mean runs over time and other dimensions", "Take one mean after another.")
    if not context.running_mean:
        raise context.refuse(
            "mean runs over all time",
            "Take the last step y[:, -1], or ask for the mean so far with running_mean=True.",
        )
    total = _running_sum(context, x)
    counts = _running_sum(context, x.with_(tensor=torch.ones_like(x.tensor), prefix=_ones(x)))
    mean = total.with_(tensor=total.tensor / counts.tensor.clamp(min=1.0))
    folded = last_step(context, mean)
    keeps = (args[2] if len(args) > 2 else kwargs.get("keepdim", False)) is True
    return folded.with_(tensor=folded.tensor.unsqueeze(x.dim)) if keeps else folded


def _over_features(
    context: Context, x: Flow, dims: list[int], args: Sequence[Any], kwargs: dict[str, Any]
) -> Any:
    target: Any = context.node.target
    forbidden = {"folded": 0, "timed": x.batch}.get(x.kind, -1)
    if forbidden in dims:
        raise context.refuse("it sums over the batch", "Rows of a batch must not depend on each other.")
    rest, named = [*args[1:]], dict(kwargs)
    result = target(x.tensor, *rest, **named)
    if x.kind != "timed":
        return x.with_(tensor=result)
    reduced = result.dim() < x.tensor.dim()
    lost = [sum(dim < place for dim in dims) if reduced else 0 for place in (x.dim, x.batch)]
    prefix = None if x.prefix is None else target(x.prefix, *rest, **named)
    batch = x.batch - lost[1] if x.batch >= 0 else -1
    return x.with_(tensor=result, dim=x.dim - lost[0], batch=batch, prefix=prefix)


def _ones(x: Flow) -> torch.Tensor | None:
    return None if x.prefix is None else torch.ones_like(x.prefix)


def _running_sum(context: Context, x: Flow) -> Flow:
    """The sum of all frames so far, at each frame."""
    x = context.masked(x, 0.0)
    if x.batch < 0:
        raise context.refuse("the batch is no longer a dimension of its own", "Keep the batch apart.")
    sizes = list(x.tensor.shape)
    sizes[x.dim], sizes[x.batch] = 1, 1
    row = torch.zeros(sizes, dtype=x.tensor.dtype) if context.discovering else torch.empty(0)
    prefix = None
    if x.prefix is not None:
        prefix = x.prefix.cumsum(x.dim)
        row = last_frames(prefix, x.dim, 1)
    index, before = context.state(row, x.batch, "sum")
    total = x.tensor.cumsum(x.dim) + before
    context.keep(index, last_frames(total, x.dim, 1))
    return x.with_(tensor=total, prefix=prefix)
