"""Transposed convolution (overlap-add): each input frame adds to several output frames.

Output frame m gets its last share when input frame ⌊(m + padding) ÷ stride⌋ arrives; what later frames will
still add to is the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from edgernn.streaming.context import Context, but_last_frames, last_frames
from edgernn.streaming.flow import Flow, aten
from edgernn.streaming.rules.windows import _each

_FUNCTIONS = {
    aten.conv_transpose1d.default: F.conv_transpose1d,
    aten.conv_transpose2d.input: F.conv_transpose2d,
}
TARGETS = list(_FUNCTIONS)


def apply(context: Context, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Compute it for the chunk and keep the overlap."""
    target: Any = context.node.target
    arguments = dict(zip((item.name for item in target._schema.arguments), args, strict=False)) | kwargs
    x, weight, bias = args[0], arguments["weight"], arguments.get("bias")
    axes = weight.dim() - 2
    if not isinstance(x, Flow) or x.kind != "timed" or x.dim < x.tensor.dim() - axes:
        raise context.refuse("time is not a spatial dimension of it", "Transpose the input.")
    if x.delay < 0:
        raise context.refuse("its input is padded on the left", "Pad behind it, or in a convolution.")
    axis = x.dim - 2
    strides, dilations = _each(arguments.get("stride", 1), axes), _each(arguments.get("dilation", 1), axes)
    paddings, extra = (
        _each(arguments.get("padding", 0), axes),
        _each(arguments.get("output_padding", 0), axes),
    )
    stride, padding, more = strides[axis], paddings[axis], extra[axis]
    paddings[axis] = extra[axis] = 0
    extent = dilations[axis] * (weight.shape[2 + axis] - 1)
    # Frames before the sequence's first must add nothing.
    x = context.masked(x, 0.0)
    made = _FUNCTIONS[target](
        x.tensor, weight, None, strides, paddings, extra, arguments.get("groups", 1), dilations
    )
    overlap = extent + 1 - stride
    if overlap > 0:
        sizes = list(made.shape)
        sizes[x.dim], sizes[x.batch] = overlap, 1
        row = torch.zeros(sizes) if context.discovering else torch.empty(0)
        index, before = context.state(row, x.batch, "overlap")
        behind = [0, 0] * (made.dim() - 1 - x.dim)
        made = made + F.pad(before, [*behind, 0, made.shape[x.dim] - overlap])
        context.keep(index, last_frames(made, x.dim, overlap))
        made = but_last_frames(made, x.dim, overlap)
    elif overlap < 0:
        made = F.pad(made, [*[0, 0] * (made.dim() - 1 - x.dim), 0, -overlap])
    if bias is not None:
        made = made + bias.reshape(-1, *[1] * axes)
    surplus = (x.surplus - 1) * stride - 2 * padding + extent + more + 1
    return x.with_(
        tensor=made, hop=x.hop / stride, delay=x.delay * stride + padding, surplus=surplus, prefix=None
    )
