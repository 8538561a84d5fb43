"""Repeating every frame: nearest-neighbour upsampling and repeat_interleave by a whole number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgernn.streaming.context import Context
from edgernn.streaming.flow import Flow, as_positive, aten, plain, wrap

TARGETS = [aten.repeat_interleave.self_int]


def apply(context: Context, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """x.repeat_interleave(n, dim): n frames for one."""
    target: Any = context.node.target
    x: Flow = args[0]
    times = int(args[1])
    dim = as_positive(args[2] if len(args) > 2 else kwargs["dim"], x.tensor.dim())
    result = wrap(target(*plain(args), **plain(kwargs)), x)
    if x.kind != "timed" or dim != x.dim:
        if x.prefix is not None:
            raise context.refuse("it repeats features of a padded tensor", "Pad behind it.")
        return result
    prefix = None if x.prefix is None else x.prefix.repeat_interleave(times, dim)
    return result.with_(hop=x.hop / times, delay=x.delay * times, surplus=x.surplus * times, prefix=prefix)
