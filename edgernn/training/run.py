"""A run folder: the trained network and what it was trained for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgernn.errors import InputError, ModelError
from edgernn.training.config import EXAMPLE_FILE, WEIGHTS_FILE, RunConfig
from edgernn.training.find import find_recipe, find_shipped_recipe
from edgernn.training.recipe import Recipe
from edgernn.training.weights import load_tensors, load_weights

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Run:
    """A trained network.

    Attributes:
        folder: the run folder.
        config: how it was trained, its scores, and its metadata for a manifest.
        recipe: the recipe that built it.
        model: the network with the weights of the best epoch, in evaluation mode, on the CPU.
    """

    folder: Path
    config: RunConfig
    recipe: Recipe
    model: nn.Module

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Inputs of `model.forward`, real ones from the test part, with a batch of more than one."""
        tensors = load_tensors(self.folder / EXAMPLE_FILE)
        return tuple(tensors[name] for name in sorted(tensors, key=int))


def load_run(folder: str | os.PathLike[str], *, recipe: str | os.PathLike[str] | Recipe | None = None) -> Run:
    """The trained network of a run folder.

    Nothing that the folder holds is run: weights are safetensors, the config is JSON, and the network's code
    is that of a recipe that ships with edgernn, or the one that the caller names.

    Args:
        folder: what training wrote.
        recipe: the recipe of the run, where it is not one that ships with edgernn.

    Raises:
        InputError: the folder is no run, its config is not readable, or it needs `recipe`.
        ModelError: the weights are missing, damaged, or not those of the network.
    """
    folder = Path(folder)
    config = RunConfig.read(folder)
    if recipe is None:
        if config.recipe_folder:
            raise InputError(
                f"recipe: the run in {str(folder)!r} was made with the recipe in {config.recipe_folder!r}, "
                "which does not ship with edgernn. Its code builds the network, so name that folder as the "
                "recipe if you trust it."
            )
        recipe = find_shipped_recipe(config.recipe)
    elif not isinstance(recipe, Recipe):
        recipe = find_recipe(recipe)
    if config.pretraining:
        from edgernn.training.pretraining import objective_of

        recipe = objective_of(recipe, config.pretraining)
    model = build(recipe, config.arguments, folder)
    load_weights(model, folder / WEIGHTS_FILE)
    return Run(folder, config, recipe, model.eval())


def build(recipe: Recipe, arguments: dict[str, Any], folder: Path) -> nn.Module:
    """The recipe's network of a run; raises ModelError where the recipe does not take these arguments."""
    try:
        return recipe.build(arguments)
    except TypeError as error:
        raise ModelError(
            f"run: the recipe {recipe.name!r} does not build the network of {str(folder)!r} ({error}). "
            "Was the recipe changed since? Train again."
        ) from error
