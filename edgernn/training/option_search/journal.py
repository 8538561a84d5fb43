"""The journal of a search: what was tried, in a file that a stopped search goes on from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgernn.errors import InputError
from edgernn.training.option_search.space import Range
from edgernn.training.options import TrainingOptions
from edgernn.training.recipe import Recipe

if TYPE_CHECKING:
    import optuna

JOURNAL_FILE, LOCK_FILE = "study.journal", "search.lock"
_PLAN = "plan"
# Trials before the first one is pruned, and epochs of each that are always trained.
_FIRST_TRIALS, _FIRST_EPOCHS = 5, 2


def search_plan(
    recipe: Recipe, options: TrainingOptions, space: dict[str, Range], fingerprint: str, seed: int
) -> dict[str, Any]:
    """What a resumed search must have in common with the one that stopped; JSON values."""
    plan: dict[str, Any] = json.loads(
        json.dumps(
            {
                "recipe": recipe.name,
                "data": fingerprint,
                "seed": seed,
                "space": {name: asdict(value) for name, value in space.items()},
                "options": asdict(options),
            }
        )
    )
    return plan


def folder_to_resume(out: str | os.PathLike[str] | None) -> Path:
    """The folder of a search that stopped; raises InputError where it is none."""
    if out is None:
        raise InputError("resume: name the folder of the search to continue (out).")
    if not (Path(out) / JOURNAL_FILE).is_file():
        raise InputError(f"resume: {str(out)!r} is not the folder of a search: it holds no {JOURNAL_FILE}.")
    return Path(out)


def open_study(folder: Path, plan: dict[str, Any]) -> optuna.Study:
    """The folder's study; raises InputError where it is that of another plan."""
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    file = str(folder / JOURNAL_FILE)
    study = optuna.create_study(
        # A text file, a line an event: nothing that is torn by a kill, and no database.
        storage=optuna.storages.JournalStorage(JournalFileBackend(file, lock_obj=JournalFileOpenLock(file))),
        study_name="search",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_FIRST_TRIALS, n_warmup_steps=_FIRST_EPOCHS),
    )
    before = study.user_attrs.setdefault(_PLAN, plan)
    for name, value in plan.items():
        if before[name] != value:
            raise InputError(
                f"resume: {name} of the search in {str(folder)!r} is {_short(before[name])}, found "
                f"{_short(value)}. Give the same recipe, data, options, space and seed, or start a new "
                "search."
            )
    study.set_user_attr(_PLAN, plan)
    return study


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 500 else text[:500] + "…"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Within the block, no other process searches in the folder."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK_FILE, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"search: another process searches in {str(folder)!r}. Wait for it, or stop it."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Within the block, Optuna says errors only."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
