"""Which part of edgernn may import which, and a checker that reads the source."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgernn import _PUBLIC

_BASE = {"errors", "files", "manifest", "network_folder"}
_LAYERS = _BASE | {"reference", "cells", "sequence", "layers"}
_CAPTURE = _LAYERS | {"capture"}
_STREAMING = _CAPTURE | {"streaming"}
# These see both wings; nothing below them imports them.
_TOP = {
    "verify", "bench", "export", "export_folder", "export_greedy", "source", "quickstart", "tune", "bundle",
}  # fmt: skip
# What both wings and an app need, on numpy alone (and on soundfile where there are sounds).
_SIGNALS = {"sound", "events", "ctc", "beam", "strokes", "speech"}
_TRAINING = _LAYERS | _SIGNALS | {"features", "models", "training", "pages"}
_PARTS = {"graph", "runtime", "quantize", "kernels", "pages", "placement", "serving"}
_BOTH_WINGS = _TRAINING | _STREAMING | _PARTS | _TOP

# Part → the other parts that it may import. A part that is missing here fails the test until it has a place.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "files": {"errors"},
    "manifest": {"errors"},
    "network_folder": {"errors", "files"},
    "sound": {"errors", "files"},
    "events": {"errors"},
    "ctc": {"errors"},
    "strokes": {"errors", "files"},
    "speech": {"errors"},
    "beam": {"errors"},
    "reference": _BASE,
    "cells": _BASE | {"reference"},
    "sequence": _BASE | {"reference", "cells"},
    "layers": _LAYERS,
    "features": _LAYERS,
    "models": _LAYERS | {"features"},
    "training": _TRAINING | {"pages"},
    "capture": _LAYERS,
    "streaming": _CAPTURE,
    "graph": _STREAMING,
    # Of the features, the vocabularies, which are plain Python: tests without torch prove it.
    "runtime": _BASE | {"kernels", "ctc", "beam", "strokes", "features"},
    "kernels": _BASE,
    "pages": _BASE,
    "quantize": _BASE | {"runtime", "pages"},
    # It reads graphs, which the runtime cannot on numpy and onnxruntime alone.
    "placement": _BASE | {"runtime", "quantize"},
    "serving": _BASE | {"runtime"},
    **dict.fromkeys(_TOP, _BOTH_WINGS),
    "explain": _BOTH_WINGS,
    "cli": _BOTH_WINGS | {"explain"},
    # A recipe is what a user would write: a network and its training.
    "recipes": _TRAINING,
}

# Part → packages from outside that it must not need.
_ONNX = {"onnx", "onnx_ir", "onnxscript"}
FORBIDDEN: dict[str, set[str]] = {
    **{part: {"torch", "onnxruntime", *_ONNX} for part in (*_BASE, "reference")},
    **{
        part: {"onnxruntime", *_ONNX}
        for part in ("cells", "sequence", "layers", "models", "training", "capture", "streaming", "recipes")
    },
    "graph": {"onnxruntime"},
    "quantize": {"torch"},
    "placement": {"torch"},
    "serving": {"torch", *_ONNX},
}

# Part → the only packages from outside that it may need.
ONLY: dict[str, set[str]] = {
    **{part: set() for part in _BASE},
    "reference": {"numpy"},
    **{part: {"numpy"} for part in ("sound", "events", "ctc", "beam", "strokes", "speech")},
    "runtime": {"numpy", "onnxruntime"},
}


@dataclass(frozen=True)
class Import:
    """One import: the file and line, the part that imports, and the module that is imported."""

    file: Path
    line: int
    part: str
    target: str


def check(root: Path) -> list[str]:
    """Every import below root/edgernn and root/recipes that goes the wrong way, as a sentence."""
    return [complaint for found in imports(root) if (complaint := _complaint(root, found))]


def imports(root: Path) -> Iterator[Import]:
    """Every import statement, those inside functions included."""
    for folder in ("edgernn", "recipes"):
        for file in sorted((root / folder).rglob("*.py")):
            yield from _imports_of(root, file)


def _imports_of(root: Path, file: Path) -> Iterator[Import]:
    names = list(file.relative_to(root).with_suffix("").parts)
    if names[-1] == "__init__":
        names.pop()
    if names == ["edgernn"]:
        return  # the public names, imported on first use
    part = names[0] if names[0] == "recipes" else names[1]
    package = names if file.name == "__init__.py" else names[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names if alias.name != "edgernn"]
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "edgernn"
        ):
            targets = [_public_module(node.attr)]  # after `import edgernn`
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            whole = module == "edgernn"
            targets = [_public_module(alias.name) for alias in node.names] if whole else [module]
        else:
            continue
        yield from (Import(file, node.lineno, part, target) for target in targets)


def _public_module(name: str) -> str:
    """The module behind `edgernn.name`: a part, or the one that holds a public name."""
    return "edgernn.errors" if name.startswith("__") else _PUBLIC.get(name, f"edgernn.{name}")


def _complaint(root: Path, found: Import) -> str | None:
    where = f"{found.file.relative_to(root)}:{found.line}: {found.part}"
    top, _, rest = found.target.partition(".")
    if top == "edgernn":
        if found.part not in ALLOWED:
            return f"{where} has no place in the order of imports"
        target = rest.partition(".")[0]
        if target != found.part and target not in ALLOWED[found.part]:
            return f"{where} imports {found.target}"
        return None
    own = top in sys.stdlib_module_names or top in ONLY.get(found.part, {top})
    return f"{where} imports the package {top}" if not own or top in FORBIDDEN.get(found.part, ()) else None
