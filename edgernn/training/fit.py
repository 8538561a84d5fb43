"""The training loop: Lightning's, set up for a recipe and a run folder."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from edgernn.errors import InputError
from edgernn.training.batches import batches
from edgernn.training.compression import Compression
from edgernn.training.config import CHECKPOINT_FILE, LOG_FOLDER
from edgernn.training.noise import quiet_lightning
from edgernn.training.options import TrainingOptions
from edgernn.training.processes import Processes
from edgernn.training.recipe import Prepared, Recipe
from edgernn.training.weight_rounding import Rounding

PRECISIONS: dict[str, Any] = {"float32": "32-true", "bfloat16": "bf16-mixed", "float16": "16-mixed"}


# How Lightning says that a parameter got no gradient in one of several processes.
_WAITED = "parameters that were not used in producing the loss"


@dataclass(frozen=True)
class Fit:
    """How training went; the best weights are in the run folder.

    Attributes:
        epochs: epochs trained, those before a resume included.
        best_epoch: the epoch, from 1, with the least validation loss.
        stopped: why it ended: "max_epochs" or "patience".
        warnings: what the last measurement of the gradient's flow warns of.
        trained_parameters: how many numbers the optimiser could change.
    """

    epochs: int
    best_epoch: int
    stopped: str
    warnings: tuple[str, ...] = ()
    trained_parameters: int = 0


def new_model(recipe: Recipe, prepared: Prepared, seed: int) -> nn.Module:
    """The untrained network, its weights drawn from `seed`."""
    with quiet_lightning():
        from lightning.pytorch import seed_everything

        seed_everything(seed, verbose=False)
    model = recipe.build(prepared.arguments)
    recipe.initialise(model, prepared)
    return model


def fit(
    recipe: Recipe,
    model: nn.Module,
    prepared: Prepared,
    options: TrainingOptions,
    *,
    seed: int,
    folder: Path,
    resume: bool,
    device: str,
    progress: bool,
    profile: bool = False,
    gradient_flow: bool = False,
    pictures: bool = False,
    rounding: Rounding | None = None,
    compression: Compression | None = None,
    processes: Processes = Processes(),
    watch: Callable[[int, float], None] | None = None,
) -> Fit:
    """Train until `options.max_epochs`, or until the validation loss has not improved for `options.patience`.

    Raises:
        InputError: where the loss is not a number any more.
        KeyboardInterrupt: where the user stopped it; the run can be resumed.
    """
    with quiet_lightning(), threads(options.threads):
        from edgernn.training.adapters import add_adapters
        from edgernn.training.keeper import RunKeeper
        from edgernn.training.module import RecipeModule
        from edgernn.training.parameter_groups import freeze

        keeper = RunKeeper(folder, watch)
        watchers = _watchers(folder, profile and processes.first, gradient_flow, pictures)
        if pictures and processes.first:
            from edgernn.training.picture_keeper import PictureKeeper

            watchers.append(PictureKeeper(prepared))
        if rounding is not None:
            from edgernn.training.rounding import RoundedWeights

            watchers.append(RoundedWeights(rounding.round_weight))
        if compression is not None:
            from edgernn.training.bounded import BoundedWeights

            watchers.append(BoundedWeights(compression))
        if options.unfreeze_every:
            from edgernn.training.unfreezing import GradualUnfreezing

            watchers.append(GradualUnfreezing(options.unfreeze_every))
        trainer = _trainer(options, folder, [keeper, *watchers], device, progress, processes)
        freeze(model, options.freeze)
        if processes.count > 1 and trainer.strategy.root_device.type == "cpu":
            _check_normalisation(model)
        adapters = add_adapters(model, options.adapters, options.adapter_scale) if options.adapters else None
        module = RecipeModule(recipe, model, options, seed, keeper.losses, processes, adapters)
        on_interrupt = signal.getsignal(signal.SIGINT)
        try:
            trainer.fit(
                module,
                loader(recipe, prepared, options, seed, processes),
                loader(recipe, prepared, options, None, processes),
                ckpt_path=folder / CHECKPOINT_FILE if resume else None,
            )
        except SystemExit as stop:
            # Lightning answers Ctrl+C with exit() and leaves the signal ignored; callers expect Python's way.
            if not isinstance(stop.__context__, KeyboardInterrupt):
                raise
            signal.signal(signal.SIGINT, on_interrupt)
            raise KeyboardInterrupt from stop
        except RuntimeError as error:
            if processes.count == 1 or _WAITED not in str(error):
                raise
            raise InputError(
                "devices: no gradient arrives at some of the network's parameters, for which several "
                "processes would wait. Let the loss depend on them, or name them in option freeze."
            ) from error
    stopped = "max_epochs" if trainer.current_epoch >= options.max_epochs else "patience"
    groups = trainer.optimizers[0].param_groups
    trained = sum(value.numel() for group in groups for value in group["params"])
    return Fit(trainer.current_epoch, keeper.best_epoch, stopped, _last_warnings(watchers), trained)


def loader(
    recipe: Recipe, prepared: Prepared, options: TrainingOptions, seed: int | None, processes: Processes
) -> DataLoader:
    """Batches of the training part, shuffled by `seed`, or without one those of the validation part."""
    part = prepared.validation if seed is None else prepared.train
    collate = recipe.collate() if seed is None else recipe.collate_training(prepared)
    return batches(part, options.batch_size, collate, seed, recipe.lengths(part, options), processes)


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Within the block, torch computes on `count` CPU threads; None: as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def check_device(device: str) -> None:
    """Raise InputError where Lightning cannot train on a device of that name here."""
    with quiet_lightning():
        from lightning.fabric.utilities.exceptions import MisconfigurationException
        from lightning.pytorch import Trainer

        try:
            Trainer(accelerator=device, devices=1, barebones=True)
        except (MisconfigurationException, ValueError) as error:
            raise InputError(f"device: cannot train on {device!r} ({error}). Use auto or cpu.") from error


def _check_normalisation(model: nn.Module) -> None:
    """Raise InputError where a share of a batch would be normalised by itself."""
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            raise InputError(
                f"devices: {name} is a {type(module).__name__}, whose mean over a batch torch cannot take "
                "over several processes on the CPU. Train in one process or on GPUs, or use layer "
                "normalisation."
            )


def _watchers(folder: Path, profile: bool, gradient_flow: bool, pictures: bool) -> list[Any]:
    """What looks on while training runs, as asked for."""
    from edgernn.training.gradient_keeper import GradientKeeper
    from edgernn.training.profile import ProfileKeeper

    return [
        *([ProfileKeeper(folder)] if profile else []),
        *([GradientKeeper(folder, pictures)] if gradient_flow else []),
    ]


def _last_warnings(watchers: list[Any]) -> tuple[str, ...]:
    flows = [flow for watcher in watchers for flow in getattr(watcher, "flows", ())]
    return tuple(flows[-1].warnings()) if flows else ()


def _trainer(
    options: TrainingOptions,
    folder: Path,
    callbacks: list[Any],
    device: str,
    progress: bool,
    processes: Processes,
) -> Any:
    from lightning.pytorch import Trainer
    from lightning.pytorch.callbacks import EarlyStopping, RichProgressBar
    from lightning.pytorch.loggers import TensorBoardLogger
    from lightning.pytorch.strategies import DDPStrategy

    from edgernn.training.checkpoint_io import SafeCheckpointIO
    from edgernn.training.keeper import MONITOR

    return Trainer(
        accelerator=device,
        devices=processes.devices,
        num_nodes=processes.nodes,
        strategy=DDPStrategy() if processes.count > 1 else "auto",
        # The batches are shares already.
        use_distributed_sampler=False,
        sync_batchnorm=processes.count > 1,
        precision=PRECISIONS[options.precision],
        max_epochs=options.max_epochs,
        gradient_clip_val=options.gradient_clip or None,
        callbacks=[
            EarlyStopping(MONITOR, patience=options.patience, check_finite=False),
            *callbacks,
            *([RichProgressBar()] if progress else []),
        ],
        plugins=[SafeCheckpointIO()],
        logger=TensorBoardLogger(folder, name=LOG_FOLDER, version=""),
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        enable_progress_bar=progress,
        enable_model_summary=False,
    )
