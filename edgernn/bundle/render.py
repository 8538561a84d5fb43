"""Reading template files and filling them in.

A template is an ordinary file in which `@@name@@` stands for a value; the same holds for its path. There is
no logic in templates: what depends on the model is made in Python.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_PLACE = re.compile(r"@@(\w+)@@")


def render(folder: str, values: Mapping[str, str]) -> dict[str, bytes]:
    """Every file below edgernn/bundle/templates/`folder`, filled in, by its path there."""
    root = files("edgernn.bundle").joinpath("templates", folder)
    return {fill(path, values): fill(text, values).encode() for path, text in _read(root, "")}


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with values in place of their names. Raises KeyError for a name that has none."""
    return _PLACE.sub(lambda found: values[found[1]], text)


def _read(folder: Traversable, above: str) -> list[tuple[str, str]]:
    found = []
    for item in folder.iterdir():
        path = f"{above}{item.name}"
        if item.is_dir():
            found += [] if item.name == "__pycache__" else _read(item, f"{path}/")
        elif not item.name.endswith(".pyc"):
            found.append((path, item.read_text("utf-8")))
    return sorted(found)
