"""In what a hand-written run over time computes: numpy on the CPU, torch elsewhere.

Called on the few numbers of one step, an element-wise function of numpy takes a third of the time of torch's
(measured for 16 × 64 numbers: multiply .3 against .8 µs, tanh .4 against 2.7 µs), because torch looks up device,
type and gradient each time. Both know the functions that are needed under the same names, with `out`, so that a
cell's steps are written once for both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

Array = Any  # np.ndarray or Tensor

_IN_NUMPY = (torch.float32, torch.float64)


class Arrays:
    """Arrays of the type and on the device of a tensor, without gradients; they share its memory.

    Attributes:
        ops: the module whose functions compute with them: numpy or torch.
    """

    def __init__(self, like: Tensor) -> None:
        self._like = like.detach()
        self.ops: Any = np if in_numpy(like) else torch

    def of(self, tensor: Tensor) -> Array:
        """A tensor's numbers."""
        return tensor.detach().numpy() if self.ops is np else tensor.detach()

    def tensor(self, array: Array) -> Tensor:
        """The tensor of an array."""
        return torch.from_numpy(array) if self.ops is np else array

    def empty(self, *shape: int) -> Array:
        """An array whose numbers are yet to be written."""
        return self.of(self._like.new_empty(shape))

    def row(self, *parts: tuple[float, int]) -> Array:
        """A vector of runs of one value each: row((1, 2), (0, 3)) is 1 1 0 0 0."""
        return self.of(torch.cat([self._like.new_full((count,), value) for value, count in parts]))


def in_numpy(tensor: Tensor) -> bool:
    """Whether numpy computes with such tensors."""
    return tensor.device.type == "cpu" and tensor.dtype in _IN_NUMPY
