from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from edgernn.errors import InputError
from edgernn.training import TrainingOptions, find_recipe, option, shipped_recipes
from edgernn.training.option_search.space import Range, read_space


@dataclass(frozen=True)
class Options(TrainingOptions):
    size: int = option(8, "A size.", minimum=2, maximum=64)
    share: float | None = option(None, "A share.", minimum=0, below=1)
    kind: Literal["a", "b"] = option("a", "A kind.")
    names: tuple[str, ...] = option((), "Names.")
    test: str = option("", "Data.")


def read(tmp_path: Path, text: str, given: dict[str, object] | None = None) -> dict[str, Range]:
    (tmp_path / "space.toml").write_text(text)
    return read_space(tmp_path / "space.toml", Options, given or {}, fixed=("test",))


def test_ranges_and_choices(tmp_path: Path) -> None:
    text = """
    [size]
    low = 4
    high = 32
    step = 4
    [share]
    low = 0
    high = 0.5
    [learning_rate]
    low = 1e-4
    high = 1e-1
    log = true
    [kind]
    choices = ["a", "b"]
    [names]
    choices = ["x,y", ""]
    """
    assert read(tmp_path, text) == {
        "size": Range(4, 32, step=4, whole=True),
        "share": Range(0, 0.5),
        "learning_rate": Range(1e-4, 0.1, log=True),
        "kind": Range(choices=("a", "b")),
        "names": Range(choices=("x,y", "")),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no option"),
        ("[size", "is not TOML"),
        ("[siz]\nlow = 4\nhigh = 8", r"\[siz\]: options: unknown option 'siz'. Did you mean 'size'"),
        ("[size]\nlow = 1\nhigh = 8", "option size: must be ≥ 2, found 1"),
        ("[size]\nlow = 4\nhigh = 65", "option size: must be ≤ 64, found 65"),
        ("[share]\nlow = 0.1\nhigh = 1.0", "option share: must be < 1, found 1.0"),
        ("[size]\nlow = 2.5\nhigh = 8", "option size: expected int, found 2.5"),
        ("[size]\nlow = 2\nhigh = 8\nstep = 0.5", "takes whole numbers, found step = 0.5"),
        ("[size]\nlow = 8\nhigh = 8", "low must be less than high, found 8"),
        ("[size]\nlow = 4", "give low and high, or choices"),
        ("[size]\nlow = 4\nhigh = 8\nsteps = 2", "unknown key 'steps'"),
        ("[size]\nlow = 4\nhigh = 8\nwhole = true", "unknown key 'whole'"),
        ("[size]\nlow = 4\nhigh = 8\nstep = 2\nlog = true", "goes without log"),
        ("[share]\nlow = 0.0\nhigh = 0.5\nlog = true", "with log, low must be above 0"),
        ("[kind]\nlow = 1\nhigh = 2", "the option is one of 'a', 'b' and has no range; give choices"),
        ("[kind]\nchoices = ['a', 'c']", "option kind: expected one of 'a', 'b', found 'c'"),
        ("[kind]\nchoices = ['a']", "choices must be two or more"),
        ("[kind]\nchoices = ['a', 'a']", "each once"),
        ("[kind]\nchoices = ['a', 'b']\nlow = 1", "choices stand alone, without low"),
        ("[names]\nchoices = [['a'], ['b']]", "write a tuple as text"),
        ("[test]\nchoices = ['a', 'b']", "changes which data are scored"),
        ("[optimizer]\nchoices = ['adam', 'sgd']", "the option is given already, as 'adam'"),
        ("size = 3", "expected an object, found 3"),
    ],
)
def test_a_space_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(tmp_path, text, {"optimizer": "adam"})


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="search: no file at"):
        read_space(tmp_path / "none.toml", Options, {})


SPACES = {name: folder / "space.toml" for name, folder in shipped_recipes().items()}


@pytest.mark.parametrize("name", [name for name, path in SPACES.items() if path.exists()])
def test_the_space_that_a_recipe_brings_is_one(name: str) -> None:
    recipe = find_recipe(name)
    assert read_space(SPACES[name], recipe.options_type, {}, recipe.data_options)
