"""Operators that only move dimensions: transpose, permute, squeeze, unsqueeze, view, split, expand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from edgernn.streaming.context import Context
from edgernn.streaming.flow import Flow, Length, as_positive, aten, flows_in, plain, prefixes, wrap
from edgernn.streaming.rules.pointwise import joint_kind

_VIEWS = {
    aten.view.default, aten.reshape.default, aten._unsafe_view.default, aten.flatten.using_ints,
    aten.unflatten.int,
}  # fmt: skip
_SPLITS = {
    aten.split.Tensor, aten.split_with_sizes.default, aten.chunk.default, aten.unbind.int,
    aten.split.sizes,
}  # fmt: skip

TARGETS = [
    aten.transpose.int, aten.permute.default, aten.t.default, aten.movedim.int, aten.squeeze.dim,
    aten.squeeze.dims, aten.unsqueeze.default, aten.expand.default, *_VIEWS, *_SPLITS,
]  # fmt: skip


def apply(context: Context, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Compute it for the chunk and follow where time and batch go."""
    target: Any = context.node.target
    kind = joint_kind(context, flows_in([args, kwargs]))
    x: Flow = args[0]
    if kind == "fixed" and target is aten.expand.default:
        return _expanded(context, x, args)
    if kind in ("latest", "fixed"):
        return wrap(target(*plain(args), **plain(kwargs)), x)
    if kind == "folded":
        return _folded(context, args, kwargs)
    if target in _VIEWS:
        return _view(context, x, target(*plain(args), **plain(kwargs)), args)
    moved = _mover(target, x, args)
    dim = moved(x.dim)
    if dim is None:
        raise context.refuse(
            "it squeezes or splits the time dimension, as a loop over time does",
            "Keep time; put the body of a loop into an edgernn.Cell and run it with edgernn.Recurrent.",
        )
    result = target(*plain(args), **plain(kwargs))
    batch = moved(x.batch) if x.batch >= 0 else -1
    like = x.with_(dim=dim, batch=-1 if batch is None else batch)
    made = wrap(result, like)
    if like.prefix is None:
        return made
    before = target(*prefixes(args), **prefixes(kwargs))
    if isinstance(made, list):
        return [flow.with_(prefix=part) for flow, part in zip(made, before, strict=True)]
    return made.with_(prefix=before)


def _expanded(context: Context, x: Flow, args: Sequence[Any]) -> Flow:
    """What has no time flows with it where it is expanded to as many frames as a tensor with time has."""
    result = x.tensor.expand(plain(args[1]))
    lengths = [(dim, size) for dim, size in enumerate(args[1]) if isinstance(size, Length)]
    if not lengths:
        return x.with_(tensor=result)
    dim, length = lengths[0]
    if len(lengths) > 1 or length.surplus > 0:
        raise context.refuse(
            "it expands a tensor over time to more frames than the stream has", "Expand it to the input's."
        )
    # The frames are all alike, so the ones that no sequence has may as well be the first.
    return Flow(result, "timed", dim, hop=length.hop, delay=-length.surplus, surplus=length.surplus)


def _mover(target: Any, x: Flow, args: Sequence[Any]) -> Callable[[int], int | None]:
    """A function that gives the new place of a dimension; None where it is gone."""
    rank = x.tensor.dim()
    if target is aten.transpose.int:
        a, b = as_positive(args[1], rank), as_positive(args[2], rank)
        return lambda dim: {a: b, b: a}.get(dim, dim)
    if target is aten.t.default:
        return lambda dim: 1 - dim
    if target is aten.permute.default:
        order = [as_positive(item, rank) for item in args[1]]
        return lambda dim: order.index(dim)
    if target is aten.movedim.int:
        source, goal = as_positive(args[1], rank), as_positive(args[2], rank)
        rest = [item for item in range(rank) if item != source]
        rest.insert(goal, source)
        return lambda dim: rest.index(dim)
    if target is aten.unsqueeze.default:
        at = as_positive(args[1], rank + 1)
        return lambda dim: dim + (at <= dim)
    if target in (aten.squeeze.dim, aten.squeeze.dims):
        listed = [args[1]] if isinstance(args[1], int) else args[1]
        gone = [dim for dim in (as_positive(item, rank) for item in listed) if x.tensor.shape[dim] == 1]
        return lambda dim: None if dim in gone else dim - sum(item < dim for item in gone)
    if target is aten.expand.default:
        return lambda dim: dim + len(args[1]) - rank
    cut = as_positive(_split_dim(target, args), rank)
    if target is aten.unbind.int:
        return lambda dim: None if dim == cut else dim - (cut < dim)
    return lambda dim: None if dim == cut else dim


def _split_dim(target: Any, args: Sequence[Any]) -> int:
    at = 1 if target is aten.unbind.int else 2
    return int(args[at]) if len(args) > at else 0


def _view(context: Context, x: Flow, result: Tensor, args: Sequence[Any]) -> Flow:
    """A view keeps time where as many elements stand before it, and as many frames are in it."""
    if x.prefix is not None:
        raise context.refuse("it views a tensor that is padded on the left", "Pad behind the view.")
    if x.batch == 0 and x.dim == 1 and _joins_batch_and_time(x.tensor, result):
        return x.with_(tensor=result, kind="folded", dim=-1, batch=-1)
    dim = _same_place(x.tensor, x.dim, result)
    if dim is None:
        raise context.refuse(
            "a view joins time with another dimension",
            "Flatten features only: x.flatten(2), or x.view(batch, time, -1).",
        )
    batch = _same_place(x.tensor, x.batch, result) if x.batch >= 0 else None
    return x.with_(tensor=result, dim=dim, batch=-1 if batch is None else batch)


def _joins_batch_and_time(before: Tensor, after: Tensor) -> bool:
    return after.shape[0] == before.shape[0] * before.shape[1] and (
        before.shape[2:].numel() == after.shape[1:].numel()
    )


def _same_place(before: Tensor, dim: int, after: Tensor) -> int | None:
    """Where dimension `dim` is after a view; None where it was joined or split."""
    ahead: Any = 1
    for size in before.shape[:dim]:
        ahead = ahead * size
    seen: Any = 1
    for place, size in enumerate(after.shape):
        if seen == ahead and size == before.shape[dim]:
            return place
        seen = seen * size
    return None


def _folded(context: Context, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Where the first dimension holds batch × frames, it must stay first, or be taken apart again."""
    target: Any = context.node.target
    x: Flow = args[0]
    if target in (aten.view.default, aten.reshape.default):
        sizes = plain(args[1])
        frames = context.frames(x.hop)
        if len(sizes) > 1 and sizes[1] == frames and (sizes[0] == context.batch or sizes[0] == -1):
            result = x.tensor.reshape(context.batch, frames, *sizes[2:])
            return x.with_(tensor=result, kind="timed", dim=1, batch=0)
        return x.with_(tensor=x.tensor.reshape(x.tensor.shape[0], *sizes[1:]))
    result = target(*plain(args), **plain(kwargs))
    first = result if isinstance(result, torch.Tensor) else result[0]
    if first.dim() == 0 or first.shape[0] != x.tensor.shape[0]:
        raise context.refuse(
            "it moves the batch out of the first dimension after y[:, -1]", "Keep the batch first."
        )
    return wrap(result, x)
