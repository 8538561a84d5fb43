"""Finding recipes: a folder that holds recipe.py, or the name of one that ships with edgernn."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import os
import sys
from pathlib import Path

from edgernn.errors import InputError
from edgernn.training.recipe import Recipe
from edgernn.training.requirements import require_training_packages

RECIPE_FILE = "recipe.py"


def shipped_folder() -> Path:
    """The folder of the recipes that ship: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_recipes"
    return installed if installed.is_dir() else package.parent / "recipes"


def shipped_recipes() -> dict[str, Path]:
    """The recipes that ship with edgernn: folder by name."""
    folder = shipped_folder()
    if not folder.is_dir():
        return {}
    return {path.name: path for path in sorted(folder.iterdir()) if (path / RECIPE_FILE).is_file()}


def find_recipe(name_or_path: str | os.PathLike[str]) -> Recipe:
    """The recipe of a folder, or of a name that ships. Its `recipe.py` is run.

    Raises:
        InputError: where there is no such recipe (with the nearest name and the list), or its recipe.py
            defines none.
    """
    path = Path(name_or_path).expanduser()
    if (path / RECIPE_FILE).is_file():
        return _load(path.resolve())
    if path.is_dir() and len(path.parts) > 1:
        raise InputError(f"recipe: the folder {str(path)!r} holds no {RECIPE_FILE}.")
    return find_shipped_recipe(str(name_or_path))


def find_shipped_recipe(name: str) -> Recipe:
    """The recipe of that name that ships with edgernn; raises InputError where there is none."""
    shipped = shipped_recipes()
    if name not in shipped:
        close = difflib.get_close_matches(Path(name).name, shipped, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise InputError(
            f"recipe: no recipe {name!r}.{hint} Recipes that ship with edgernn: "
            f"{', '.join(shipped) or 'none'}. For your own, name the folder that holds its {RECIPE_FILE}."
        )
    return _load(shipped[name])


def _load(folder: Path) -> Recipe:
    file = folder / RECIPE_FILE
    # A module of its own for each folder and each version of the file, so that an edited recipe is the one
    # that runs. It stands in sys.modules because dataclasses look their module up there.
    digest = hashlib.sha256(str(file).encode() + file.read_bytes()).hexdigest()
    name = f"edgernn_recipe_{digest[:16]}"
    if name not in sys.modules:
        require_training_packages()
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    recipe = getattr(sys.modules[name], "RECIPE", None)
    if not isinstance(recipe, Recipe):
        raise InputError(
            f"recipe: {str(file)!r} must define RECIPE, an instance of a subclass of "
            f"edgernn.training.Recipe; found {recipe!r}."
        )
    recipe.name, recipe.folder = folder.name, folder
    return recipe


def is_shipped(recipe: Recipe) -> bool:
    """Whether the recipe is one that ships with edgernn."""
    return recipe.folder is not None and recipe.folder == shipped_recipes().get(recipe.name)
