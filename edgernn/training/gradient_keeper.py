"""Measures the gradient's flow in each epoch of a training run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from edgernn.pages import save_figure
from edgernn.training.gradient_flow import GradientFlow, measure, write_gradient_flow
from edgernn.training.module import RecipeModule
from edgernn.training.pictures import draw_gradient_flow
from edgernn.training.run_page import GRADIENT_FLOW


class GradientKeeper(Callback):
    """Measures on each epoch's first batch, and writes gradient_flow.json into the run folder.

    Args:
        folder: the run folder.
        pictures: whether TensorBoard gets a picture of each epoch's.

    Attributes:
        flows: one an epoch.
    """

    def __init__(self, folder: Path, pictures: bool = False) -> None:
        self.folder, self.pictures = folder, pictures
        self.flows: list[GradientFlow] = []

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Measure, and log each layer's norms for TensorBoard."""
        if batch_idx:
            return
        assert isinstance(pl_module, RecipeModule)
        flow = measure(pl_module.model, lambda: pl_module.loss_of(batch), trainer.current_epoch + 1)
        self.flows.append(flow)
        if not trainer.is_global_zero:
            return
        write_gradient_flow(self.folder, self.flows)
        assert trainer.logger is not None
        trainer.logger.log_metrics(
            {
                f"gradient_flow/{layer.name}/{end}": getattr(layer, end)
                for layer in flow.layers
                for end in ("early", "late", "largest")
            },
            step=trainer.global_step,
        )
        if self.pictures:
            log = trainer.logger.experiment  # type: ignore[attr-defined]
            drawn = draw_gradient_flow(flow)
            save_figure(drawn, self.folder / GRADIENT_FLOW)
            log.add_figure("gradient_flow", drawn, flow.epoch)
