"""Other runtimes for the file of the default path, one file each, found by its name.

A peer is a module with `PACKAGES`, what to install, and `make(file, states, threads) -> Contender`.
"""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np


def peer_names() -> list[str]:
    """The peers of this folder."""
    return sorted(item.name for item in pkgutil.iter_modules(__path__))


def find_peer(name: str) -> ModuleType:
    """The module of a peer."""
    return importlib.import_module(f"{__name__}.{name}")


def install(folder: Path, names: Sequence[str]) -> None:
    """Put the packages of some peers into a folder of their own and on the import path.

    What edgernn's own environment holds stays as it is: a peer must live with that numpy.
    """
    packages = [package for name in names for package in find_peer(name).PACKAGES]
    missing = [package for package in packages if not (folder / package.replace("-", "_")).is_dir()]
    if missing:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
        subprocess.run([*command, *missing], check=True)
    sys.path.append(str(folder))


class CarriedStates:
    """The states of a step graph as numpy arrays, by their input's place.

    Args:
        shapes: of each state.
    """

    def __init__(self, shapes: Sequence[tuple[int, ...]]) -> None:
        self._shapes = shapes
        self.arrays = self._zeros()

    def reset(self) -> None:
        """Take them back to zero."""
        self.arrays = self._zeros()

    def _zeros(self) -> list[np.ndarray]:
        return [np.zeros(shape, np.float32) for shape in self._shapes]
