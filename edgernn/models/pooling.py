"""Pooling over time by attention, and where a padded text ends."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AttentionPooling(nn.Sequential):
    """A weighted mean over time: a = softmax_t(w · tanh(V v_t)), Σ_t a_t v_t.

    Args:
        width: size of each step's vector.
        hidden_size: size of V v_t.
    """

    def __init__(self, width: int, hidden_size: int) -> None:
        super().__init__(nn.Linear(width, hidden_size), nn.Tanh(), nn.Linear(hidden_size, 1))

    def pool(self, values: Tensor, inside: Tensor | None = None) -> Tensor:
        """The mean of each row.

        Args:
            values: (batch, time, width).
            inside: (batch, time) bool, steps that count; None: all.

        Returns:
            (batch, width).
        """
        scores = self(values).squeeze(-1)
        if inside is not None:
            scores = scores.masked_fill(~inside, -1e9)
        pooled: Tensor = (scores.softmax(-1).unsqueeze(-1) * values).sum(1)
        return pooled


def symbols_inside(ids: Tensor) -> tuple[Tensor, Tensor]:
    """Which steps of texts count, and how many: a step does while it or a later one holds a symbol.

    Args:
        ids: (batch, time) integers, zeros behind the end of a text.

    Returns:
        (batch, time) bool, and (batch,) lengths; a text without any symbol is one step long.
    """
    inside = (ids != 0).to(torch.int64).flip(1).cumsum(1).flip(1) > 0
    return inside, inside.sum(1).clamp(min=1)
