"""What training leaves in the run folder after every epoch: the best weights, the losses, a checkpoint."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from edgernn.errors import InputError
from edgernn.files import write_text
from edgernn.training.config import CHECKPOINT_FILE, HISTORY_FILE, WEIGHTS_FILE
from edgernn.training.module import RecipeModule
from edgernn.training.weights import save_tensors

MONITOR = "validation_loss"
# Logged step by step, for TensorBoard; the last step's value says nothing of an epoch.
OF_A_STEP = ("learning_rate", "gradient_norm")


class RunKeeper(Checkpoint):
    """Keeps a run folder up to date.

    Lightning's ModelCheckpoint would do, but it remembers absolute paths: a run folder that was moved could
    not be resumed with the best score it had.

    Args:
        folder: the run folder.
        watch: called after each epoch with its number and validation loss, when the folder is up to date.

    Attributes:
        best_epoch: the epoch, from 1, with the least validation loss; 0 before the first one.
        history: one dict an epoch: its number from 1, losses and metrics.
    """

    def __init__(self, folder: Path, watch: Callable[[int, float], None] | None = None) -> None:
        self.folder, self.watch = folder, watch
        self.best_epoch = 0
        self.history: list[dict[str, float]] = []

    def losses(self) -> list[float]:
        """Validation loss of each epoch so far."""
        return [epoch[MONITOR] for epoch in self.history]

    @property
    def best_loss(self) -> float | None:
        """The least validation loss so far."""
        return self.history[self.best_epoch - 1][MONITOR] if self.best_epoch else None

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note the epoch's losses; keep its weights where they are the best so far.

        Raises:
            InputError: where the validation loss is not a number any more.
        """
        assert isinstance(pl_module, RecipeModule)
        values = {
            name: float(value)
            for name, value in sorted(trainer.callback_metrics.items())
            if name not in OF_A_STEP
        }
        if not math.isfinite(values[MONITOR]):
            raise InputError(
                f"training diverged in epoch {trainer.current_epoch + 1}: the validation loss is "
                f"{values[MONITOR]}. Set a smaller learning_rate or gradient_clip, and look for extreme "
                "values in the data."
            )
        self.history.append({"epoch": trainer.current_epoch + 1, **values})
        if self.best_loss is None or values[MONITOR] < self.best_loss:
            self.best_epoch = len(self.history)
            if trainer.is_global_zero:
                save_tensors(self.folder / WEIGHTS_FILE, pl_module.model.state_dict())
        if trainer.is_global_zero:
            text = json.dumps({"epochs": self.history}, indent=1) + "\n"
            write_text(self.folder / HISTORY_FILE, text)
        # Last of all: where training is cut off before it, the epoch is trained again, to the same result.
        trainer.save_checkpoint(self.folder / CHECKPOINT_FILE, weights_only=False)
        if self.watch is not None:
            self.watch(len(self.history), values[MONITOR])

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"best_epoch": self.best_epoch, "history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.best_epoch, self.history = state_dict["best_epoch"], state_dict["history"]
