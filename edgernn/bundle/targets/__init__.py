"""What a bundle is for: one module a target in this folder, found by its file name.

A target's module declares, besides a first line of its docstring that says what it is,

- `RUNTIME`: what runs the model there;
- `NEXT`: the commands that build and run the bundle, each a line for the shell;
- `files(app)`: every file of the bundle by its path, but the licence.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from typing import Protocol, cast

from edgernn.bundle.app import App, Files
from edgernn.errors import InputError


class Target(Protocol):
    """What a module of this folder declares; see above."""

    RUNTIME: str
    NEXT: tuple[str, ...]

    def files(self, app: App) -> Files:
        """The files of the bundle."""
        ...


def target_names() -> list[str]:
    """Every target that `edgernn bundle --target` takes."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find_target(name: str) -> Target:
    """The target of that name. Raises InputError, with the nearest known name, where there is none."""
    known = target_names()
    if name not in known:
        near = difflib.get_close_matches(str(name).lower(), known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InputError(f"target: {name!r} is unknown.{hint} Known: {', '.join(known)}.")
    return cast(Target, importlib.import_module(f"{__name__}.{name}"))
