"""Max pooling over one dimension, traced as pooling over two: torch freezes the length of the former."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

# The same function under the names that torch calls it by.
_MAX_POOL1D = (torch.max_pool1d, F.max_pool1d, getattr(F, "_max_pool1d"))  # noqa: B009


class _Pooling(TorchFunctionMode):
    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func in _MAX_POOL1D and not kwargs.get("return_indices"):
            kwargs.pop("return_indices", None)
            return _max_pool1d(*args[:6], **kwargs)
        return func(*args, **kwargs)


@contextmanager
def free_pooling() -> Iterator[None]:
    """Within the block, max_pool1d leaves the length of its input free when it is traced."""
    with _Pooling():
        yield


def _max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:
    kernel = _number(kernel_size)
    step = kernel if stride is None or stride == [] else _number(stride)
    pooled = F.max_pool2d(
        input.unsqueeze(-2),
        (1, kernel),
        (1, step),
        (0, _number(padding)),
        (1, _number(dilation)),
        ceil_mode,
    )
    return pooled.squeeze(-2)


def _number(value: Any) -> int:
    return int(value if isinstance(value, int) else value[0])
