"""Gradual unfreezing: the last layer is trained first, and every few epochs the next one below it too."""

from __future__ import annotations

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import nn

from edgernn.errors import InputError
from edgernn.training.parameter_groups import depth_of, layer_depths


class GradualUnfreezing(Callback):
    """Trains the layers of a `RecipeModule`'s network from the output downwards.

    Howard & Ruder (2018), "Universal Language Model Fine-tuning for Text Classification". Which layers train
    follows from the number of the epoch alone, so a resumed run goes on as it would have. What was frozen for
    all of training stays so.

    Args:
        every: epochs between one layer and the next.
    """

    def __init__(self, every: int) -> None:
        self._every = every
        self._depths: list[tuple[int, nn.Parameter]] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note which parameters are trained at all, and how deep they lie."""
        if trainer.world_size > 1:
            raise InputError(
                "option unfreeze_every: processes agree on what is trained before the first step. Train in "
                "one process, or freeze layers for all of training with option freeze."
            )
        model = pl_module.model
        assert isinstance(model, nn.Module)
        depths = layer_depths(model)
        last = max(depths.values())
        self._depths = [
            (last - depth_of(name, depths), value)
            for name, value in model.named_parameters()
            if value.requires_grad
        ]

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let the layers learn whose turn has come."""
        for below_the_last, value in self._depths:
            value.requires_grad_(below_the_last * self._every <= trainer.current_epoch)
