"""Cutting a padded batch after its longest row, as one opaque torch operator.

How many steps are left depends on the lengths' values. Written with `item()` and a slice, tracing would carry
assertions about that number through the whole graph; an operator whose output has a size of its own does not.
"""

from __future__ import annotations

import torch
from torch import Tensor


# The annotations are evaluated by torch; the schema below says the same.
def _trim(x_TBF: Tensor, lengths: Tensor) -> Tensor:
    # An operator must not return its own inputs.
    return x_TBF[: int(lengths.max())].clone()


def _fake(x_TBF: Tensor, lengths: Tensor) -> Tensor:
    return x_TBF.new_empty(torch.library.get_ctx().new_dynamic_size(), *x_TBF.shape[1:])


trim = torch.library.custom_op(
    "edgernn::trim", _trim, mutates_args=(), schema="(Tensor x, Tensor lengths) -> Tensor"
)
trim.register_fake(_fake)
