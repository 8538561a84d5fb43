"""Shows a training run in TensorBoard: histograms of weights and gradients, and what becomes of data."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from edgernn.training.module import RecipeModule
from edgernn.training.recipe import Prepared


class PictureKeeper(Callback):
    """Adds to TensorBoard's log after each epoch.

    Args:
        prepared: the recipe's data; the picture is of their validation part.
    """

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Show the gradients of an epoch's last step, before they are clipped."""
        if not trainer.is_last_batch:
            return
        for name, parameter in _network(pl_module).named_parameters():
            gradient = parameter.grad
            # TensorBoard has no histogram of what is not finite; the gradient's norm tells of it.
            if gradient is not None and bool(torch.isfinite(gradient).all()):
                _log(trainer).add_histogram(f"gradients/{name}", gradient, trainer.current_epoch + 1)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the weights, and the recipe's picture."""
        network, epoch = _network(pl_module), trainer.current_epoch + 1
        for name, parameter in network.named_parameters():
            if bool(torch.isfinite(parameter).all()):
                _log(trainer).add_histogram(f"weights/{name}", parameter, epoch)
        assert isinstance(pl_module, RecipeModule)
        # Nothing that training draws later depends on what a picture drew.
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            network.eval()
            picture = pl_module.recipe.picture(network, self.prepared)
            network.train()
        if picture is not None:
            _log(trainer).add_figure("result", picture, epoch)


def _network(module: LightningModule) -> torch.nn.Module:
    assert isinstance(module, RecipeModule)
    return module.model


def _log(trainer: Trainer) -> Any:
    assert trainer.logger is not None
    return trainer.logger.experiment  # type: ignore[attr-defined]
