"""Element by element, with broadcasting: add, mul, tanh, where, clamp, … (every operator torch tags so).

Operands that arrive with different delays are delayed to match.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from edgernn.streaming.context import Context
from edgernn.streaming.flow import Flow, aten, flows_in, plain, prefixes, wrap

# Point-wise in what they compute, though torch does not tag them so.
TARGETS = [
    aten.dropout.default,
    aten.feature_dropout.default,
    aten.alias.default,
    aten.clone.default,
    aten.contiguous.default,
    aten.detach.default,
    aten.detach_.default,
    aten.lift_fresh_copy.default,
    aten._to_copy.default,
    aten.to.dtype,
    aten.to.device,
    aten.type_as.default,
    aten.zeros_like.default,
    aten.ones_like.default,
    aten.prelu.default,
]


def apply(context: Context, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """All operands must agree where time is."""
    flows = flows_in([args, kwargs])
    kind = joint_kind(context, flows)
    target: Any = context.node.target
    if kind != "timed":
        like = next(flow for flow in flows if flow.kind == kind)
        if kind == "folded":
            _check_folded(context, [flow for flow in flows if flow.kind == kind])
        return wrap(target(*plain(args), **plain(kwargs)), like)
    timed = [flow for flow in flows if flow.kind == "timed"]
    rank = max(flow.tensor.dim() for flow in timed)
    if len({flow.dim - flow.tensor.dim() for flow in timed}) > 1:
        raise context.refuse(
            "its operands have time in different dimensions",
            "Transpose one of them so that batch and time stand alike.",
        )
    position = timed[0].dim - timed[0].tensor.dim()
    _check_constants(context, [*args, *kwargs.values()], position)
    like, args, kwargs = _align(context, timed, args, kwargs)
    result = target(*plain(args), **plain(kwargs))
    prefix = None
    if like.delay < 0 and context.discovering:
        prefix = target(*prefixes(args), **prefixes(kwargs))
    full = [flow for flow in timed if flow.batch >= 0 and flow.tensor.dim() == rank]
    batches = {flow.batch - rank for flow in full}
    batch = result.dim() + batches.pop() if len(batches) == 1 else -1
    return like.with_(tensor=result, dim=result.dim() + position, batch=batch, prefix=prefix)


def _align(
    context: Context, timed: Sequence[Flow], args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Flow, Sequence[Any], dict[str, Any]]:
    """The arguments with all timed flows delayed alike, and one of them."""
    ahead = next((flow.ahead for flow in timed if flow.ahead), "")
    distinct = list({id(flow): flow for flow in timed}.values())
    late = dict(zip((id(flow) for flow in distinct), context.aligned(distinct), strict=True))

    def swap(value: Any) -> Any:
        if isinstance(value, Flow):
            return late.get(id(value), value)
        if isinstance(value, list | tuple):
            return [swap(item) for item in value]
        return value

    swapped = [swap(value) for value in args], {key: swap(value) for key, value in kwargs.items()}
    return next(iter(late.values())).with_(ahead=ahead), *swapped


def _check_constants(context: Context, values: Sequence[Any], position: int) -> None:
    """Refuse constants that differ from step to step."""
    for value in values:
        tensor = value.tensor if isinstance(value, Flow) and value.kind == "fixed" else value
        if isinstance(tensor, Tensor) and tensor.dim() >= -position and tensor.shape[position] != 1:
            raise context.refuse(
                f"a constant has {tensor.shape[position]} values along time",
                "A stream has no end: use values that do not depend on the position.",
            )


def _check_folded(context: Context, flows: Sequence[Flow]) -> None:
    if len({(flow.hop, flow.delay) for flow in flows}) > 1:
        raise context.refuse(
            "last steps of tensors with different rates or delays meet",
            "Join them before the last step is taken.",
        )


def joint_kind(context: Context, flows: Sequence[Flow]) -> Any:
    """The kind of a result that depends on several flows; refuses those that cannot meet."""
    kinds = {flow.kind for flow in flows} - {"fixed"}
    if not kinds:
        return "fixed"
    if len(kinds) > 1:
        raise context.refuse(
            "it joins all time steps with the last one (a final state or y[:, -1]), which looks ahead",
            "Only what happened before may be used at a time step.",
        )
    return kinds.pop()
