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
