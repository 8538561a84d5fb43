from __future__ import annotations

import importlib.util

import pytest

from edgernn.errors import MissingDependencyError
from edgernn.training import find_recipe
from edgernn.training.requirements import require_training_packages


def test_everything_is_here() -> None:
    require_training_packages()


def test_a_missing_package_is_named_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "lightning" else found(name)
    )
    with pytest.raises(MissingDependencyError, match=r"packages lightning, .*pip install 'edgernn\[train\]'"):
        require_training_packages()


def test_a_recipe_asks_before_it_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "recipe.py").write_text("raise RuntimeError")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError):
        find_recipe(tmp_path)
