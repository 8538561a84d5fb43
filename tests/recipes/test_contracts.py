"""Every recipe folder keeps its contract."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from edgernn.models.parts import Parted
from edgernn.training import find_recipe, load_run, read_contract, shipped_recipes, train
from edgernn.training.find import RECIPE_FILE, shipped_folder
from edgernn.training.options import read_options
from edgernn.training.report import score_table

FOLDERS = sorted(path for path in shipped_folder().iterdir() if path.is_dir() and path.name[0] not in "._")


def missing_files(folder: Path) -> list[str]:
    return [name for name in (RECIPE_FILE, "README.md", "contract.toml") if not (folder / name).is_file()]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_recipe_folder_is_complete(folder: Path) -> None:
    assert missing_files(folder) == []


def test_an_incomplete_folder_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "README.md").touch()
    assert missing_files(tmp_path) == ["recipe.py", "contract.toml"]


@pytest.mark.parametrize("name", shipped_recipes())
def test_a_recipe_keeps_its_contract(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGERNN_DATA", raising=False)
    folder = shipped_recipes()[name]
    contract = read_contract(folder)
    report = train(
        name,
        data=folder / contract.tiny.data if contract.tiny.data else None,
        options=contract.tiny.options,
        out=tmp_path / "run",
        device="cpu",
        quiet=True,
    )
    assert contract.broken_promises(tmp_path / "run", report.scores) == []
    run = load_run(tmp_path / "run")
    run.model(*run.example_inputs())
    assert run.recipe.several_graphs == isinstance(run.model, Parted)


@pytest.mark.parametrize("name", shipped_recipes())
def test_the_same_data_are_prepared_each_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever random numbers were drawn before: a run resumes on its own data, and processes share them."""
    monkeypatch.delenv("EDGERNN_DATA", raising=False)
    recipe, folder = find_recipe(name), shipped_recipes()[name]
    tiny = read_contract(folder).tiny
    found = set()
    for seed in range(2):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)
        options = read_options(recipe.options_type, tiny.options)
        found.add(recipe.prepare(options, folder / tiny.data if tiny.data else None).fingerprint)
    assert len(found) == 1


@pytest.mark.parametrize("name", shipped_recipes())
def test_the_published_score_stands_in_the_readme_with_its_command(name: str) -> None:
    published = read_contract(shipped_recipes()[name]).published
    readme = (shipped_recipes()[name] / "README.md").read_text(encoding="utf-8")
    assert published.command in readme
    assert re.search(rf"(?<![\w.]){re.escape(f'{published.value:g}')}", readme)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_forecast_reaches_its_published_score(tmp_path: Path, seed: int) -> None:
    published = read_contract(shipped_recipes()["forecast"]).published
    report = train("forecast", out=tmp_path / "run", seed=seed, device="cpu", quiet=True)
    table = score_table(report.scores)
    assert table["model"][published.score] == pytest.approx(published.value, rel=0.05)
    for baseline in ("persistence", "seasonal_naive"):
        assert table["model"]["rmse"] < 0.5 * table[baseline]["rmse"]
