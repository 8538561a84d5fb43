"""What the shell offers at the Tab key. It asks at every press, so nothing heavy is imported here."""

from __future__ import annotations

import pkgutil
from pathlib import Path

import edgernn

_PACKAGE = Path(edgernn.__file__).parent


def recipes(incomplete: str) -> list[str]:
    """Recipes that ship with edgernn."""
    from edgernn.training.find import shipped_recipes

    return _starting(incomplete, list(shipped_recipes()))


def recurrences(incomplete: str) -> list[str]:
    """Ways to write a recurrence."""
    from edgernn.manifest import RECURRENCES

    return _starting(incomplete, ["auto", *RECURRENCES])


def schemes(incomplete: str) -> list[str]:
    """Quantization schemes."""
    from edgernn.quantize import scheme_names

    return _starting(incomplete, scheme_names())


def providers(incomplete: str) -> list[str]:
    """Execution providers; read from the folder's file names, since their package imports onnxruntime."""
    return _starting(incomplete, ["auto", *_names("runtime", "providers")])


def placements(incomplete: str) -> list[str]:
    """Execution providers that there are rules of placement for; their package imports onnx-ir."""
    return _starting(incomplete, ["all", *_names("placement", "providers")])


def engines(incomplete: str) -> list[str]:
    """Ways to work through a folder of files."""
    return _starting(incomplete, _names("cli", "engines"))


def objectives(incomplete: str) -> list[str]:
    """What can be learned without labels."""
    names = _names("training", "pretraining", "objectives")
    return _starting(incomplete, [name.replace("_", "-") for name in names])


def _names(*folders: str) -> list[str]:
    return [item.name for item in pkgutil.iter_modules([str(_PACKAGE.joinpath(*folders))])]


def targets(incomplete: str) -> list[str]:
    """Targets of bundles; read from the folder's file names, since their package needs torch."""
    folder = _PACKAGE / "bundle" / "targets"
    return _starting(incomplete, [item.name for item in pkgutil.iter_modules([str(folder)])])


def _starting(incomplete: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
