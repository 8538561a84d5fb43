"""minGRU, Feng et al. (2024), "Were RNNs all we needed?".

z = σ(W_z x_t + b_z)
n = g(W_n x_t + b_n)                     g: the identity, or v + 1/2 for v ≥ 0 and σ(v) for v < 0
h_t = (1 - z) ⊙ h_{t-1} + z ⊙ n
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from edgernn.cells.base import ReferenceStep
from edgernn.cells.linear import Blocks
from edgernn.cells.minimal import MinimalCell
from edgernn.cells.operator import OnnxOperator
from edgernn.reference import minimal as reference


class MinGRU(MinimalCell):
    """A GRU without reset gate whose gate does not see the state: it trains in parallel over time."""

    blocks = 2

    def mixture(self, blocks: Blocks) -> tuple[Tensor, Tensor]:
        """1 - z and n."""
        a_z, n = blocks
        return torch.sigmoid(-a_z), n

    def _kernel_operator(self) -> OnnxOperator:
        return self.operator_named("MinGRU")

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.min_gru_step, self.numpy_parameters(), positive=self.positive)
