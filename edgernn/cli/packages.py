"""The packages that edgernn needs, as its own metadata lists them, and which are installed."""

from __future__ import annotations

import importlib.metadata
import platform
import re
from dataclasses import dataclass

import edgernn

_NAME = re.compile(r"[\w.-]+")
_EXTRA = re.compile(r"extra\s*==\s*['\"](\w+)['\"]")
# Extras for users, those first that others hold too; the rest are sums of these, or for work on edgernn.
_USER_EXTRAS = ("export", "audio", "text", "train", "mic", "search", "explain", "serve", "sign", "ray")


@dataclass(frozen=True)
class Package:
    """One package.

    Attributes:
        name: as pip knows it.
        version: empty where it is missing.
        needed_for: "running", or the extra that needs it.
        install: what brings it; empty where it is installed.
    """

    name: str
    version: str
    needed_for: str
    install: str


def installed() -> list[Package]:
    """Python, edgernn and every package that it or one of its extras needs."""
    found = [
        Package("python", platform.python_version(), "running", ""),
        Package("edgernn", edgernn.__version__, "running", ""),
    ]
    for name, extra in _requirements():
        version = _version(name)
        bring = f"pip install 'edgernn[{extra}]'" if extra else f"pip install {name}"
        found.append(Package(name, version, extra or "running", "" if version else bring))
    return found


def extra_of(module: str) -> str | None:
    """The extra that brings the package of an imported module; None where none does."""
    wanted = module.partition(".")[0]
    for name, extra in _requirements():
        if extra and name.replace("-", "_") == wanted:
            return extra
    return None


def _requirements() -> list[tuple[str, str]]:
    """(package, extra) of each requirement that holds on this Python; extra is empty for edgernn's own."""
    try:
        lines = importlib.metadata.requires("edgernn") or []
    except importlib.metadata.PackageNotFoundError:
        return []  # run from a source tree that was never installed
    order = ("", *_USER_EXTRAS)
    found: dict[str, str] = {}  # the metadata repeats in one extra what it takes over from another
    for line in lines:
        name, match = _NAME.match(line), _EXTRA.search(line)
        if name is None or name[0] == "edgernn" or "python_version" in line:
            continue
        extra = match[1] if match else ""
        if extra in order:
            found[name[0]] = min(found.get(name[0], extra), extra, key=order.index)
    return sorted(found.items(), key=lambda item: order.index(item[1]))


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
