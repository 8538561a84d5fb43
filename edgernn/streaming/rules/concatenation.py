"""cat and stack: along features they join aligned tensors; along time a constant in front is a padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from edgernn.streaming.context import Context
from edgernn.streaming.flow import Flow, as_positive, aten, flows_in, plain
from edgernn.streaming.rules.pointwise import joint_kind

TARGETS = [aten.cat.default, aten.stack.default]


def apply(context: Context, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Join tensors; all that flow with time are delayed to match."""
    target: Any = context.node.target
    tensors = list(args[0])
    flows = flows_in(tensors)
    kind = joint_kind(context, flows)
    stacks = target is aten.stack.default
    rank = flows[0].tensor.dim() + stacks
    dim = as_positive(args[1] if len(args) > 1 else kwargs.get("dim", 0), rank)
    if kind != "timed":
        if kind == "folded" and dim == 0:
            raise context.refuse("it concatenates along the batch", "Concatenate features.")
        like = next(flow for flow in flows if flow.kind == kind)
        return like.with_(tensor=target(plain(tensors), dim))
    timed = [flow for flow in flows if flow.kind == "timed"]
    if not stacks and dim == timed[0].dim:
        return _along_time(context, tensors, dim)
    if len(timed) < len(tensors) or len({flow.dim for flow in timed}) > 1:
        raise context.refuse(
            "it concatenates tensors that do not have time in the same dimension",
            "Expand or transpose them first.",
        )
    ahead = next((flow.ahead for flow in timed if flow.ahead), "")
    late = context.aligned(timed)
    # What was expanded over time does not know its batch.
    like = next((flow for flow in late if flow.batch >= 0), late[0])
    prefix = None
    if like.delay < 0 and context.discovering:
        prefix = target([flow.prefix for flow in late], dim)
    return like.with_(
        tensor=target([flow.tensor for flow in late], dim),
        dim=_moved(like.dim, dim, stacks),
        batch=_moved(like.batch, dim, stacks) if dim != like.batch or stacks else -1,
        prefix=prefix,
        ahead=ahead,
    )


def _moved(place: int, dim: int, stacks: bool) -> int:
    """Where a dimension is once a new one stands at `dim`."""
    return place + 1 if stacks and dim <= place else place


def _along_time(context: Context, tensors: list[Any], dim: int) -> Flow:
    """Constants in front of one flow, as a padding written by hand."""
    *front, x = tensors
    if not isinstance(x, Flow) or not all(isinstance(item, Tensor) for item in front):
        raise context.refuse("it concatenates along time", "Lengths must stay as they are.")
    count = sum(item.shape[dim] for item in front)
    if x.delay != 0 or x.batch < 0:
        raise context.refuse("it pads by concatenation behind a delay", "Pad with F.pad.")
    prefix = None
    if context.discovering:
        prefix = torch.cat(front, dim=dim).narrow(x.batch, 0, 1)
    return x.with_(delay=-count, surplus=x.surplus + count, prefix=prefix)
