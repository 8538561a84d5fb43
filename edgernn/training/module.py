"""A recipe as a Lightning module."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import LightningModule, seed_everything
from torch import Tensor, nn
from torchmetrics import MetricCollection

from edgernn.training.options import TrainingOptions
from edgernn.training.recipe import Recipe


class RecipeModule(LightningModule):
    """Trains a recipe's network with AdamW and logs its losses and metrics each epoch.

    Args:
        recipe: gives the loss and the metrics.
        model: the network.
        options: learning rate and weight decay.
        seed: what every epoch's random numbers follow from.
    """

    def __init__(self, recipe: Recipe, model: nn.Module, options: TrainingOptions, seed: int) -> None:
        super().__init__()
        self.recipe, self.model, self.options, self.seed = recipe, model, options, seed
        self.validation_metrics = MetricCollection(dict(recipe.metrics()), prefix="validation_")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW; without weight decay it is Adam."""
        return torch.optim.AdamW(
            self.model.parameters(),
            lr=self.options.learning_rate,
            weight_decay=self.options.weight_decay,
        )

    def on_train_epoch_start(self) -> None:
        """Start an epoch's random numbers from its number, so that a resumed run draws the same ones."""
        seed_everything((self.seed + 1_000_003 * (self.current_epoch + 1)) % 2**32, verbose=False)

    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        """The loss of one batch."""
        loss, size = self._loss(batch)[0], _batch_size(batch)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=size, prog_bar=True)
        return loss

    def validation_step(self, batch: Any, batch_index: int) -> None:
        """Log the loss and the recipe's metrics of one batch."""
        loss, output, target = self._loss(batch)
        self.log("validation_loss", loss, batch_size=_batch_size(batch), prog_bar=True)
        if len(self.validation_metrics):
            self.validation_metrics.update(output, target)

    def on_validation_epoch_end(self) -> None:
        """Log the metrics over the whole validation part."""
        if len(self.validation_metrics):
            self.log_dict(self.validation_metrics.compute())
            self.validation_metrics.reset()

    def _loss(self, batch: Any) -> tuple[Tensor, Any, Any]:
        output, target = self.recipe.predict(self.model, batch)
        return self.recipe.loss(self.model, output, target), output, target


def _batch_size(batch: Any) -> int:
    """Samples in a batch: the first dimension of its first tensor."""
    while not isinstance(batch, Tensor):
        batch = next(iter(batch.values() if isinstance(batch, dict) else batch))
    return int(batch.shape[0])
