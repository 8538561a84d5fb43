"""Operators over feature dimensions: linear, matmul with weights, softmax, normalisation, reductions.

They stream as they are as long as none of their dimensions is time or batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from edgernn.streaming.context import Context
from edgernn.streaming.flow import Flow, aten, flows_in, plain, prefixes, wrap
from edgernn.streaming.rules.pointwise import joint_kind


def _over(position: int) -> Any:
    return lambda args, rank: as_list(args[position] if len(args) > position else None, rank)


def as_list(dims: Any, rank: int) -> list[int]:
    """Dimensions as a list, counted from the left; all of them where none are named."""
    if dims is None or dims == []:
        return list(range(rank))
    listed = [dims] if isinstance(dims, int) else list(dims)
    return [dim + rank if dim < 0 else dim for dim in listed]


def _last(args: Sequence[Any], rank: int) -> list[int]:
    return [rank - 1]


def _fourier_dim(args: Sequence[Any], rank: int) -> list[int]:
    return as_list(args[2] if len(args) > 2 else -1, rank)


# Operator → which dimensions it works over, given its arguments and the rank of its input.
_DIMS: dict[Any, Any] = {
    aten.linear.default: _last,
    aten.matmul.default: _last,
    aten.mm.default: _last,
    aten.softmax.int: _over(1),
    aten.log_softmax.int: _over(1),
    aten._softmax.default: _over(1),
    aten._log_softmax.default: _over(1),
    aten.glu.default: lambda args, rank: as_list(args[1] if len(args) > 1 else -1, rank),
    aten.layer_norm.default: lambda args, rank: list(range(rank - len(args[1]), rank)),
    aten.rms_norm.default: lambda args, rank: list(range(rank - len(args[1]), rank)),
    aten.batch_norm.default: lambda args, rank: [1],
    aten.fft_rfft.default: _fourier_dim,
    aten.fft_irfft.default: _fourier_dim,
    aten.view_as_real.default: lambda args, rank: [],
    aten.view_as_complex.default: _last,
    aten.amax.default: _over(1),
    aten.amin.default: _over(1),
    aten.max.dim: _over(1),
    aten.min.dim: _over(1),
    aten.sum.dim_IntList: _over(1),
    aten.var.correction: _over(1),
    aten.std.correction: _over(1),
    aten.argmax.default: _over(1),
    aten.argmin.default: _over(1),
    aten.prod.dim_int: _over(1),
    aten.linalg_vector_norm.default: _over(2),
    aten.flip.default: _over(1),
    aten.sum.default: lambda args, rank: list(range(rank)),
    aten.group_norm.default: lambda args, rank: list(range(1, rank)),
    aten.instance_norm.default: lambda args, rank: list(range(2, rank)),
    aten.adaptive_avg_pool1d.default: lambda args, rank: [rank - 1],
    aten.adaptive_avg_pool2d.default: lambda args, rank: [rank - 2, rank - 1],
    aten.adaptive_max_pool1d.default: lambda args, rank: [rank - 1],
}

# These keep the rank only where `keepdim` is given.
_REDUCING = {
    aten.amax.default, aten.amin.default, aten.max.dim, aten.min.dim, aten.sum.dim_IntList,
    aten.var.correction, aten.std.correction, aten.argmax.default, aten.argmin.default, aten.prod.dim_int,
    aten.linalg_vector_norm.default,
}  # fmt: skip

TARGETS = list(_DIMS)


def apply(context: Context, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Compute it for the chunk; refuse where it works over time."""
    target: Any = context.node.target
    name = str(target).split(".")[1]
    kind = joint_kind(context, flows_in([args, kwargs]))
    x = args[0]
    if not isinstance(x, Flow) or any(flow.kind == "timed" for flow in flows_in(args[1:])):
        raise context.refuse(
            f"{name} multiplies time steps with each other",
            "Attention over the whole input needs all of it: export it with streaming=False.",
        )
    if kind in ("fixed", "latest"):
        return wrap(target(*plain(args), **plain(kwargs)), x)
    merged = [*args, kwargs["dim"]] if "dim" in kwargs and len(args) < 2 else list(args)
    dims = _DIMS[target](merged, x.tensor.dim())
    if kind == "folded":
        if 0 in dims:
            raise context.refuse(f"{name} runs over the batch", "Rows must not depend on each other.")
        return wrap(target(*plain(args), **plain(kwargs)), x)
    if x.dim in dims:
        raise context.refuse(
            f"{name} runs over all time",
            "A stream has no end: take the last step y[:, -1], or export with streaming=False.",
        )
    if x.batch in dims:
        raise context.refuse(f"{name} runs over the batch", "Rows must not depend on each other.")
    result = target(*plain(args), **plain(kwargs))
    first = result if isinstance(result, Tensor) else result[0]
    reduced = target in _REDUCING and first.dim() < x.tensor.dim()
    # Complex and real views change what stands behind time only.
    lost = [sum(dim < place for dim in dims) if reduced else 0 for place in (x.dim, x.batch)]
    batch = x.batch - lost[1] if x.batch >= 0 else -1
    made = wrap(result, x.with_(dim=x.dim - lost[0], batch=batch))
    if x.prefix is None:
        return made
    before = target(*prefixes(args), **prefixes(kwargs))
    if isinstance(made, list):
        return [flow.with_(prefix=part) for flow, part in zip(made, before, strict=True)]
    return made.with_(prefix=before)
