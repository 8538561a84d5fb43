"""Training with a learning rate that grows from step to step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn

from edgernn.training.fit import PRECISIONS, loader, threads
from edgernn.training.module import RecipeModule
from edgernn.training.options import TrainingOptions
from edgernn.training.parameter_groups import freeze
from edgernn.training.processes import Processes
from edgernn.training.recipe import Prepared, Recipe


class SweptModule(RecipeModule):
    """As a `RecipeModule`, with a rate for each step in the place of the schedule; keeps each step's loss."""

    def __init__(self, *arguments: Any, rates: Sequence[float]) -> None:
        super().__init__(*arguments)
        self.rates = rates
        self.found: list[float] = []

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        """Set the step's learning rates, each layer's at its share of it."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimizer, torch.optim.Optimizer)
        for group in optimizer.param_groups:
            group["lr"] = self.rates[self.global_step] * group["factor"]

    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        """The loss of one batch; no step is left where it is not a number any more."""
        loss = super().training_step(batch, batch_index)
        self.found.append(float(loss.detach()))
        if not math.isfinite(self.found[-1]):
            self.trainer.should_stop = True
        return loss


def sweep(
    recipe: Recipe,
    model: nn.Module,
    prepared: Prepared,
    options: TrainingOptions,
    rates: Sequence[float],
    *,
    seed: int,
    device: str,
) -> list[float]:
    """The loss of each step, the last one perhaps not finite; the network is trained by it."""
    freeze(model, options.freeze)
    module = SweptModule(recipe, model, options, seed, rates=rates)
    with threads(options.threads):
        trainer = Trainer(
            accelerator=device,
            devices=1,
            precision=PRECISIONS[options.precision],
            max_epochs=-1,
            max_steps=len(rates),
            limit_val_batches=0,
            gradient_clip_val=options.gradient_clip or None,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, loader(recipe, prepared, options, seed, Processes()))
    return module.found
