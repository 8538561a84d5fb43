"""Keeps the weights of a network within bounds while it is trained."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import nn

from edgernn.training.bounds import Bound, apply_bounds, find_bounds
from edgernn.training.compression import Compression


class BoundedWeights(Callback):
    """Holds the network of a `RecipeModule`, which keeps a compression, to it.

    Args:
        compression: which bounds there are.
    """

    def __init__(self, compression: Compression) -> None:
        self._compression = compression
        self._bounds: list[Bound] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """From the weights that training begins with, which keep them already; a checkpoint's zeros stay."""
        model = pl_module.model
        assert isinstance(model, nn.Module)
        self._bounds = find_bounds(model, self._compression)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """After the optimiser's step."""
        apply_bounds(self._bounds)
