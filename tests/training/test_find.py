from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgernn.errors import InputError
from edgernn.training import find_recipe, shipped_recipes
from edgernn.training.recipe import locate_data


def test_a_shipped_recipe_is_found_by_name_and_by_folder() -> None:
    by_name = find_recipe("forecast")
    by_folder = find_recipe(shipped_recipes()["forecast"])
    assert by_name is by_folder
    assert by_name.name == "forecast"
    assert by_name.folder == shipped_recipes()["forecast"]


def test_an_unknown_name_is_answered_with_the_nearest_one_and_the_list() -> None:
    with pytest.raises(InputError, match=r"no recipe 'forcast'. Did you mean 'forecast'\?.*ship.*forecast"):
        find_recipe("forcast")
    with pytest.raises(InputError, match=r"no recipe 'recipes/forcast'. Did you mean"):
        find_recipe("recipes/forcast")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (None, r"holds no recipe.py"),
        ("x = 1\n", "must define RECIPE, an instance.*found None"),
        ("from edgernn.training import Recipe\nRECIPE = Recipe\n", "must define RECIPE, an instance"),
    ],
)
def test_a_folder_without_a_recipe_is_refused(tmp_path: Path, source: str | None, said: str) -> None:
    if source is not None:
        (tmp_path / "recipe.py").write_text(source)
    with pytest.raises(InputError, match=said):
        find_recipe(tmp_path)


def test_an_edited_recipe_is_the_one_that_runs(tmp_path: Path) -> None:
    shipped = (shipped_recipes()["forecast"] / "recipe.py").read_text()
    (tmp_path / "recipe.py").write_text(shipped)
    assert find_recipe(tmp_path).options_type().window == 36
    (tmp_path / "recipe.py").write_text(shipped.replace("window: int = option(36", "window: int = option(48"))
    assert find_recipe(tmp_path).options_type().window == 48


def test_data_are_looked_up_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, here = tmp_path / "root", tmp_path / "here"
    for file in (root / "a.csv", root / "b.csv", root / "set" / "x", here / "a.csv"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    monkeypatch.chdir(here)
    monkeypatch.setenv("EDGERNN_DATA", str(root))
    assert locate_data("a.csv") == Path("a.csv")
    assert locate_data("b.csv") == root / "b.csv"
    assert locate_data(None, "set") == root / "set"
    assert locate_data(None, "other") is None
    assert locate_data(None) is None
    with pytest.raises(InputError, match=r"nothing at 'c.csv' or '.*root.c.csv'"):
        locate_data("c.csv")
    monkeypatch.delenv("EDGERNN_DATA")
    with pytest.raises(InputError, match=r"nothing at 'b.csv'. Check the path, or set \$EDGERNN_DATA"):
        locate_data("b.csv")


def test_the_package_is_imported_without_torch_or_lightning() -> None:
    code = (
        "import sys, edgernn.training as t; t.RunConfig, t.describe_options, t.read_contract; dir(t); "
        "print(sorted({'torch', 'lightning', 'pandas', 'statsmodels', 'torchmetrics'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_network_is_loaded_without_lightning(run_folder: Path) -> None:
    code = (
        f"import sys, edgernn.training as t; t.load_run({str(run_folder)!r}); "
        "print('lightning' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
