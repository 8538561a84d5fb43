"""Pre-training without labels: a recipe's recurrent layers learn from plain data what comes next.

An objective is a file in `objectives/`; a recipe names those that its network can begin with. What comes out
is a run folder, from which `finetune` starts the network with its labels.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgernn.errors import InputError
from edgernn.training.config import RunConfig
from edgernn.training.find import find_recipe
from edgernn.training.pretraining import objectives
from edgernn.training.pretraining.objective import Objective
from edgernn.training.recipe import Recipe
from edgernn.training.report import TrainReport
from edgernn.training.trainer import train


def objective_names() -> list[str]:
    """Every objective that there is."""
    names = (item.name for item in pkgutil.iter_modules(objectives.__path__))
    return sorted(name.replace("_", "-") for name in names)


def objective_of(recipe: Recipe, name: str | None = None) -> Objective:
    """A recipe's objective as what `train` trains.

    Args:
        recipe: the recipe.
        name: one of those that it names; None: the first.

    Raises:
        InputError: where the recipe has none, or not this one.
    """
    if not recipe.objectives:
        raise InputError(
            f"recipe: {recipe.name!r} has no network that is pretrained without labels. A forecaster learns "
            "without labels as it is: train it on one series, and finetune it on another."
        )
    chosen = recipe.objectives[0] if name is None else name
    if chosen not in recipe.objectives:
        raise InputError(
            f"objective: {recipe.name!r} knows {', '.join(recipe.objectives)}, found {chosen!r}."
        )
    module = importlib.import_module(f"{objectives.__name__}.{chosen.replace('-', '_')}")
    found: Objective = module.OBJECTIVE(recipe, chosen)
    return found


def pretrain(
    recipe: str | os.PathLike[str] | Recipe,
    *,
    data: str | os.PathLike[str] | None = None,
    objective: str | None = None,
    options: Mapping[str, Any] | None = None,
    **training: Any,
) -> TrainReport:
    """Train the recurrent layers of a recipe's network on data without labels, and write a run folder.

    `edgernn.training.finetune` with that folder as the source then starts with its weights, its normalisation
    and its vocabulary.

    Args:
        recipe: as for `train`.
        data: as for `train`; labels are not read where the data have them.
        objective: what is learned, one of those that the recipe names; None: the first, or on resume the
            run's own.
        options: options of the recipe, and of the objective, by name.
        training: further arguments of `train`: out, seed, max_epochs, patience, resume, device, …

    Returns:
        The report; its scores are those of the objective on data that were put aside.

    Raises:
        InputError: where the recipe has no such objective, or what `train` raises.
    """
    if not isinstance(recipe, Recipe):
        recipe = find_recipe(recipe)
    if training.get("resume") and training.get("out") is not None and objective is None:
        objective = RunConfig.read(Path(training["out"])).pretraining or None
    return train(objective_of(recipe, objective), data=data, options=options, **training)
