"""Example inputs from their shapes, as text."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from edgernn.errors import InputError

_DTYPES = {
    "float32": torch.float32, "float64": torch.float64, "int32": torch.int32, "int64": torch.int64,
    "bool": torch.bool,
}  # fmt: skip
_TENSOR = re.compile(r"(?P<shape>\d+(?:x\d+)*)(?::(?P<dtype>\w+))?(?::(?P<low>-?\d+)\.\.(?P<high>-?\d+))?")
_EXAMPLE_HELP = (
    "Write sizes joined by x, one tensor an input, joined by commas: 1x100x40 or 4x100x40,4:int64 or "
    "1x100:int64:0..255 (type and range of integers)"
)


def parse_example(text: str) -> tuple[Tensor, ...]:
    """Tensors of given shapes: "1x100x40,4:int64" is one of float32 (1, 100, 40) and one of int64 (4,).

    Floats are standard normal. Integers lie in a given range, "1x100:int64:0..255", and both ends occur. A
    one-dimensional integer tensor without a range holds sequence lengths: 1 to the first tensor's time steps.

    Raises:
        InputError: where the text is not of this form.
    """
    random = torch.Generator().manual_seed(0)
    tensors: list[Tensor] = []
    for part in text.replace(" ", "").split(","):
        found = _TENSOR.fullmatch(part)
        if found is None or "0" in found["shape"].split("x"):
            raise InputError(f"example: {part!r} is no shape. {_EXAMPLE_HELP}.")
        shape = [int(size) for size in found["shape"].split("x")]
        name = found["dtype"] or "float32"
        if name not in _DTYPES:
            raise InputError(f"example: unknown type {name!r} in {part!r}; use one of {', '.join(_DTYPES)}.")
        dtype = _DTYPES[name]
        if dtype.is_floating_point:
            tensors.append(torch.randn(shape, generator=random, dtype=dtype))
            continue
        low, high = _range(part, found, dtype, len(shape), tensors)
        values = torch.randint(low, high + 1, shape, generator=random)
        values.view(-1)[0], values.view(-1)[-1] = low, high
        tensors.append(values.to(dtype))
    return tuple(tensors)


def _range(
    part: str, found: re.Match[str], dtype: torch.dtype, rank: int, before: Sequence[Tensor]
) -> tuple[int, int]:
    """Least and greatest value of an integer tensor of the example."""
    if dtype == torch.bool:
        return 0, 1
    if found["low"] is not None:
        low, high = int(found["low"]), int(found["high"])
        if low > high:
            raise InputError(f"example: the range in {part!r} is empty; write the smaller end first.")
        return low, high
    if rank == 1 and before and before[0].dim() > 1:
        return 1, before[0].shape[1]
    raise InputError(f"example: {part!r} holds integers; say from where to where, e.g. {part}:0..255.")
