"""In what a hand-written run over time computes: numpy on the CPU, torch elsewhere.

Called on the few numbers of one step, an element-wise function of numpy takes a third of the time of torch's
(measured for 16 × 64 numbers: multiply .3 against .8 µs, tanh .4 against 2.7 µs), because torch looks up
device, type and gradient each time. Both know the functions that are needed under the same names, with `out`,
so that a cell's steps are written once for both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

Array = Any  # np.ndarray or Tensor

Product = Callable[[Array, Array], Any]

# Up to so many multiplications numpy's OpenBLAS keeps to the calling thread. Larger products are torch's, so
# that its number of threads holds and two pools of threads do not wait for each other.
_ONE_THREAD, _ONE_THREAD_FOR_A_VECTOR = 262_144, 9_216

_IN_NUMPY = (torch.float32, torch.float64)


class Arrays:
    """Arrays of the type and on the device of a tensor, without gradients; they share its memory.

    Attributes:
        ops: the module whose functions compute with them: numpy or torch.
    """

    def __init__(self, like: Tensor) -> None:
        self._like = like.detach()
        self.ops: Any = np if like.device.type == "cpu" and like.dtype in _IN_NUMPY else torch

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

    def product(self, matrix: Array, rows: int) -> Product:
        """What writes v times a matrix into a second array, given both: v (rows, n), the matrix (n, m)."""
        single = _ONE_THREAD_FOR_A_VECTOR if matrix.shape[1] == 1 else _ONE_THREAD
        if self.ops is torch or rows * matrix.shape[0] * matrix.shape[1] > single:
            return partial(self._torch_product, self.tensor(matrix))
        return partial(_numpy_product, matrix)

    def _torch_product(self, matrix: Tensor, v: Array, out: Array) -> None:
        torch.mm(self.tensor(v), matrix, out=self.tensor(out))


def _numpy_product(matrix: np.ndarray, v: np.ndarray, out: np.ndarray) -> None:
    np.matmul(v, matrix, out=out)
