"""minLSTM, Feng et al. (2024), "Were RNNs all we needed?".

f = σ(W_f x_t + b_f),  i = σ(W_i x_t + b_i)
n = g(W_n x_t + b_n)                     g: the identity, or v + 1/2 for v ≥ 0 and σ(v) for v < 0
h_t = f / (f + i) ⊙ h_{t-1} + i / (f + i) ⊙ n
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from edgernn.cells.base import ReferenceStep
from edgernn.cells.linear import Blocks
from edgernn.cells.minimal import MinimalCell
from edgernn.cells.operator import OnnxOperator
from edgernn.reference import minimal as reference

# From here on log(1 + exp(v)) is v in float64 too; torch's own 20 is off by 2e-9.
_EXACT = 37.0


class MinLSTM(MinimalCell):
    """An LSTM whose gates do not see the state and add up to 1: it trains in parallel over time."""

    blocks = 3

    def mixture(self, blocks: Blocks) -> tuple[Tensor, Tensor]:
        """f / (f + i) and n.

        f / (f + i) = σ(log f − log i), which does not divide one vanishing gate by the sum of two.
        """
        a_f, a_i, n = blocks
        return torch.sigmoid(F.softplus(-a_i, threshold=_EXACT) - F.softplus(-a_f, threshold=_EXACT)), n

    def _kernel_operator(self) -> OnnxOperator:
        return self.operator_named("MinLSTM")

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.min_lstm_step, self.numpy_parameters(), positive=self.positive)
