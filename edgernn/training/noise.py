"""What Lightning and its friends say that no user of edgernn can act on: switched off here, by name."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# "GPU available: False", "`Trainer.fit` stopped", "Restoring states", tips for other products.
_LOGGERS = (
    "lightning.pytorch.utilities.rank_zero",
    "lightning.pytorch.callbacks.early_stopping",
    "lightning.fabric.utilities.seed",
    "lightning.fabric.utilities.distributed",
)

# (start of the message as a regular expression, category)
_WARNINGS: tuple[tuple[str, type[Warning]], ...] = (
    # Lightning calls torch's tree functions in their old form.
    (r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning),
    # Batches are made in this process on purpose: the data sets are in memory.
    (r"The '\w+' does not have many workers", UserWarning),
    # Where several processes train, values are those of all of them already when they are logged.
    (r"It is recommended to use `self\.log\(.*, sync_dist=True\)`", UserWarning),
    # Looking for a learning rate validates nothing.
    (r"You defined a `validation_step` but have no `val_dataloader`", UserWarning),
    # The user asked for the CPU.
    (r"GPU available but not used", UserWarning),
)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Within the block, Lightning says errors only; other loggers and warnings are as before."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    with warnings.catch_warnings():
        for message, category in _WARNINGS:
            warnings.filterwarnings("ignore", message=message, category=category)
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
