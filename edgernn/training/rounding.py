"""Quantization-aware training: the network computes with rounded weights and learns the whole ones.

Every batch's forward and backward pass sees the weights as a quantized file would hold them; the gradient is
applied to the weights before rounding, as if rounding were the identity (the straight-through estimator,
Bengio et al. 2013; for quantization Jacob et al. 2018). Validation, and with it the choice of the best epoch,
sees rounded weights too.
"""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from edgernn.training.weight_rounding import RoundWeight, round_in_place, rounded_weights


class RoundedWeights(Callback):
    """Lets a network of `RecipeModule` compute with rounded weights wherever it computes.

    Args:
        round_weight: (weight, elements stored with it) → the weight as a quantized file holds it.
    """

    def __init__(self, round_weight: RoundWeight) -> None:
        self._round = round_weight
        self._whole: dict[str, Tensor] = {}

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Compute with rounded weights from here on."""
        self._take(pl_module)

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """The optimiser changes the whole weights, by the rounded ones' gradient."""
        self._give_back(pl_module)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Validate what will be exported."""
        self._take(pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on with the whole weights."""
        self._give_back(pl_module)

    def _take(self, module: LightningModule) -> None:
        model = _network(module)
        self._whole = {name: value.detach().clone() for name, value, _ in rounded_weights(model)}
        round_in_place(model, self._round)

    @torch.no_grad()
    def _give_back(self, module: LightningModule) -> None:
        for name, value, _ in rounded_weights(_network(module)):
            if name in self._whole:
                value.copy_(self._whole[name])
        self._whole = {}


def _network(module: LightningModule) -> nn.Module:
    model = module.model
    assert isinstance(model, nn.Module)
    return model
