"""Operators that see a window of frames: convolution, pooling, framing (unfold), every n-th frame.

Sequence frame i of the result is computed of frames i·stride - left … i·stride - left + extent of the input.
In a stream it can be computed once the last of them is there; frames of earlier chunks come from a history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from edgernn.streaming.context import Context
from edgernn.streaming.flow import Flow, aten, flows_in, plain, wrap

_CONVOLUTIONS = {
    aten.conv1d.default: F.conv1d,
    aten.conv1d.padding: F.conv1d,
    aten.conv2d.default: F.conv2d,
    aten.conv2d.padding: F.conv2d,
}
_MAX_POOLS = {aten.max_pool1d.default: F.max_pool1d, aten.max_pool2d.default: F.max_pool2d}
_AVERAGE_POOLS = {aten.avg_pool1d.default: F.avg_pool1d, aten.avg_pool2d.default: F.avg_pool2d}

TARGETS = [*_CONVOLUTIONS, *_MAX_POOLS, *_AVERAGE_POOLS, aten.unfold.default]


@dataclass(frozen=True)
class Window:
    """Which frames a result frame sees.

    Attributes:
        extent: frames from the first to the last seen, less one.
        stride: input frames from one result frame to the next.
        left, right: frames of padding.
        fill: what the padding holds.
    """

    extent: int
    stride: int = 1
    left: int = 0
    right: int = 0
    fill: float = 0.0


def apply(context: Context, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Compute it for the chunk, with the history that its window needs."""
    target: Any = context.node.target
    x = args[0]
    if not isinstance(x, Flow) or x.kind != "timed" or len(flows_in([args, kwargs])) > 1:
        if isinstance(x, Flow) and x.kind in ("folded", "fixed", "latest") and len(flows_in(args)) == 1:
            return wrap(target(*plain(args), **plain(kwargs)), x)
        raise context.refuse("its weights depend on the input", "Use weights that are parameters.")
    if target is aten.unfold.default:
        return _unfold(context, x, args)
    arguments = dict(zip((item.name for item in target._schema.arguments), args, strict=False)) | kwargs
    axes = 1 if "1d" in str(target) else 2
    axis = x.dim - (x.tensor.dim() - axes)
    if axis < 0:
        raise context.refuse(
            "time is its batch or its channels", "Transpose the input so that time is a spatial dimension."
        )
    if target in _CONVOLUTIONS:
        return _convolution(context, x, arguments, axes, axis)
    return _pool(context, x, arguments, axes, axis)


def slide(context: Context, x: Flow, window: Window, compute: Callable[[Tensor], Tensor]) -> Flow:
    """Slide a window over a timed flow.

    Args:
        context: of the pass.
        x: the input.
        window: which frames a result frame sees.
        compute: gives the result of a tensor with time where `x` has it, without padding along time.
    """
    if window.left and x.delay > 0:
        # What a sequence pads with, a stream must find in the frames before the sequence's first.
        x = context.masked(x, window.fill)
    late = window.extent - window.left + x.delay
    if late < 0:
        raise context.refuse(
            "it pads more on the left than its window is long", "Pad by kernel size - 1 frames at most."
        )
    delay, offset = divmod(late, window.stride)
    hop = x.hop * window.stride
    frames = context.frames(hop)
    history = window.extent - offset
    joined = context.with_history(x, max(history, 0), window.fill)
    if history < 0:
        joined = joined.narrow(x.dim, -history, joined.shape[x.dim] + history)
    result = compute(joined)
    if context.discovering:
        assert result.shape[x.dim] == frames, (result.shape, frames)
    surplus = (x.surplus + window.left + window.right - window.extent - 1) // window.stride + 1
    made = x.with_(tensor=result, hop=hop, delay=delay, surplus=surplus, prefix=None)
    return context.named_ahead(made, x)


def _convolution(context: Context, x: Flow, arguments: dict[str, Any], axes: int, axis: int) -> Flow:
    weight, bias = arguments["weight"], arguments.get("bias")
    strides, dilations = _each(arguments.get("stride", 1), axes), _each(arguments.get("dilation", 1), axes)
    extent = dilations[axis] * (weight.shape[2 + axis] - 1)
    padding = arguments.get("padding", 0)
    if isinstance(padding, str):
        totals = [
            dilations[item] * (weight.shape[2 + item] - 1) if padding == "same" else 0 for item in range(axes)
        ]
        if any(total % 2 for item, total in enumerate(totals) if item != axis):
            raise context.refuse("it pads features unevenly", "Give the padding as a number.")
        left, right = totals[axis] // 2, totals[axis] - totals[axis] // 2
        paddings = [total // 2 for total in totals]
    else:
        paddings = _each(padding, axes)
        left = right = paddings[axis]
    paddings[axis] = 0
    target: Any = context.node.target
    function: Any = _CONVOLUTIONS[target]
    groups = arguments.get("groups", 1)
    return slide(
        context,
        x,
        Window(extent, strides[axis], left, right),
        lambda joined: function(joined, weight, bias, strides, paddings, dilations, groups),
    )


def _pool(context: Context, x: Flow, arguments: dict[str, Any], axes: int, axis: int) -> Flow:
    target: Any = context.node.target
    kernels = _each(arguments["kernel_size"], axes)
    strides = _each(arguments.get("stride") or kernels, axes)
    paddings = _each(arguments.get("padding", 0), axes)
    if arguments.get("ceil_mode", False):
        raise context.refuse("ceil_mode looks at the end of the input", "Use ceil_mode=False.")
    left, paddings[axis] = paddings[axis], 0
    if target in _MAX_POOLS:
        dilations = _each(arguments.get("dilation", 1), axes)
        extent = dilations[axis] * (kernels[axis] - 1)
        pool: Any = _MAX_POOLS[target]
        return slide(
            context,
            x,
            Window(extent, strides[axis], left, left, -torch.inf),
            lambda joined: pool(joined, kernels, strides, paddings, dilations),
        )
    counts_padding = arguments.get("count_include_pad", True)
    if left and not counts_padding:
        raise context.refuse(
            "count_include_pad=False weighs the first frames differently", "Use count_include_pad=True."
        )
    average: Any = _AVERAGE_POOLS[target]
    return slide(
        context,
        x,
        Window(kernels[axis] - 1, strides[axis], left, left),
        lambda joined: average(joined, kernels, strides, paddings, False, counts_padding),
    )


def _unfold(context: Context, x: Flow, args: Sequence[Any]) -> Flow:
    """x.unfold(dim, size, step): overlapping frames; over another dimension than time it is only layout."""
    dim, size, step = args[1] % x.tensor.dim(), args[2], args[3]
    if dim != x.dim:
        return x.with_(tensor=x.tensor.unfold(dim, size, step), prefix=None) if x.delay >= 0 else _no(context)
    return slide(context, x, Window(size - 1, step), lambda joined: joined.unfold(dim, size, step))


def _no(context: Context) -> Flow:
    raise context.refuse("it frames a padded tensor over another dimension", "Frame first, then pad.")


def _each(value: Any, axes: int) -> list[int]:
    """One number for each spatial dimension."""
    values = [value] if isinstance(value, int) else list(value)
    return values * axes if len(values) == 1 else values
