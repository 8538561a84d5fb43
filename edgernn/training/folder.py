"""The run folder before training: a new one, or one to resume."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from edgernn.errors import InputError
from edgernn.training.config import CHECKPOINT_FILE, RunConfig
from edgernn.training.options import TrainingOptions, read_options
from edgernn.training.recipe import Recipe
from edgernn.training.schedule import BOUND_TO_MAX_EPOCHS

# What a resumed run may be told anew: it changes when training ends, not what an epoch does.
_CHANGEABLE = ("max_epochs", "patience")


def new_folder(name: str, out: str | os.PathLike[str] | None) -> Path:
    """The folder `out`, or runs/<name>-<date>-<time>, made; raises InputError where it is taken."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    folder = Path(out) if out is not None else Path("runs") / f"{name}-{stamp}"
    return empty_folder(folder, ", or continue the run in it with resume")


def empty_folder(out: str | os.PathLike[str], or_else: str = "") -> Path:
    """A folder to write into, made; raises InputError where it is taken. `or_else`: what else can be done."""
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"out: {str(folder)!r} is not empty. Name another folder{or_else}.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"out: cannot make the folder {str(folder)!r}: {error.strerror}.") from error
    return folder


def run_to_resume(recipe: Recipe, out: str | os.PathLike[str] | None) -> tuple[Path, RunConfig]:
    """The folder and the config of the run to resume.

    Raises:
        InputError: where there is no run to resume, or it is of another recipe.
    """
    if out is None:
        raise InputError("resume: name the folder of the run to continue (out).")
    folder = Path(out)
    config = RunConfig.read(folder)
    if config.recipe != recipe.name:
        raise InputError(
            f"resume: the run in {str(folder)!r} is of recipe {config.recipe!r}, not {recipe.name!r}."
        )
    if config.pretraining != recipe.objective:
        raise InputError(
            f"resume: the run in {str(folder)!r} learned {config.pretraining or 'its labels'}, not "
            f"{recipe.objective or 'labels'}. Continue it by the command that began it."
        )
    if not (folder / CHECKPOINT_FILE).is_file():
        raise InputError(
            f"resume: {str(folder)!r} holds no {CHECKPOINT_FILE}: training stopped in its first epoch. "
            "Train again, into another folder."
        )
    return folder, config


def resumed_options(recipe: Recipe, before: RunConfig, changes: Mapping[str, Any]) -> TrainingOptions:
    """The options of a run that continues: its own ones, with `changes`.

    Raises:
        InputError: where others than max_epochs and patience change, or the run has nothing left to do.
    """
    own = read_options(recipe.options_type, before.options)
    chosen: TrainingOptions = read_options(recipe.options_type, {**before.options, **changes})
    for name in changes:
        if name not in _CHANGEABLE and getattr(chosen, name) != getattr(own, name):
            raise InputError(
                f"resume: option {name} is {getattr(own, name)!r} in this run and cannot become "
                f"{getattr(chosen, name)!r}; only {' and '.join(_CHANGEABLE)} can change. "
                "Start a new run for other options."
            )
    if chosen.max_epochs != own.max_epochs and own.schedule in BOUND_TO_MAX_EPOCHS:
        raise InputError(
            f"resume: the run's schedule {own.schedule!r} ends with its max_epochs of {own.max_epochs}, so "
            "that cannot change. Start a new run, or finetune this one."
        )
    ended_by = before.stopped
    if ended_by and getattr(chosen, ended_by) <= getattr(own, ended_by):
        raise InputError(
            f"resume: this run is complete: it ended after {before.epochs} epochs by its {ended_by} of "
            f"{getattr(own, ended_by)}. Give a larger {ended_by} to go on."
        )
    return chosen
