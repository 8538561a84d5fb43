"""Recurrent kernels in C++ that onnxruntime loads: optional, found at run time.

The sources stand in `source/`; `edgernn kernels build` compiles them. The library takes over the nodes of a
file that are functions of the domain `edgernn`; without it the file runs on the functions' portable bodies.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgernn.errors import InputError, KernelError

SOURCE = Path(__file__).parent / "source"
# A library to use in place of those that are looked for, or "off".
VARIABLE = "EDGERNN_KERNELS"
OFF = "off"
# Forces an instruction set, for tests and for hunting faults; read by the library.
SET_VARIABLE = "EDGERNN_INSTRUCTION_SET"
# The set of no particular instructions: right, and slower than onnxruntime.
PLAIN = "plain"


@dataclass(frozen=True)
class Library:
    """A built library.

    Attributes:
        path: the file.
        instruction_set: the one that it uses on this processor; None where `EDGERNN_INSTRUCTION_SET` names
            one that it has not.
        available: all that it could use here, the best first.
        forced: whether `EDGERNN_INSTRUCTION_SET` chose.
    """

    path: Path
    instruction_set: str | None
    available: tuple[str, ...]
    forced: bool

    @property
    def pays(self) -> bool:
        """Whether it is faster here than onnxruntime; plain C++ is not."""
        return self.forced or self.instruction_set != PLAIN

    def has(self, function: str) -> bool:
        """Whether there is a kernel for functions of that name."""
        return bool(_open(self.path).edgernn_kernels_has(function.encode()))


def find() -> Library | None:
    """The library that is at hand: `$EDGERNN_KERNELS`, the one of an installed wheel, the user's own build.

    Raises:
        InputError: where `$EDGERNN_KERNELS` names no file.
        KernelError: where it is no such library.
    """
    named = os.environ.get(VARIABLE)
    if named == OFF:
        return None
    if named:
        return open_library(named)
    for path in (wheel_library(), built_library()):
        if path.is_file():
            return open_library(path)
    return None


def open_library(path: str | os.PathLike[str]) -> Library:
    """The library in a file.

    Raises:
        InputError: where there is no such file.
        KernelError: where it is no library of edgernn's kernels, or not for this machine.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(
            f"kernels: no file at {str(file)!r}. Build one with `edgernn kernels build`, or use 'auto' or "
            "'off'."
        )
    described = json.loads(_open(file.resolve()).edgernn_kernels_describe())
    return Library(
        file.resolve(), described["chosen"], tuple(described["available"]), bool(described["forced"])
    )


def library_name() -> str:
    """The file's name on this system."""
    if sys.platform == "win32":
        return "edgernn_kernels.dll"
    return "libedgernn_kernels.dylib" if sys.platform == "darwin" else "libedgernn_kernels.so"


def wheel_library() -> Path:
    """Where a wheel with the library in it has it."""
    return Path(__file__).parent / "lib" / library_name()


def built_library() -> Path:
    """Where `edgernn kernels build` puts it: in the user's cache, apart for each state of the sources."""
    return user_cache() / "edgernn" / "kernels" / source_digest()[:16] / library_name()


def user_cache() -> Path:
    """The folder for files that can be made again."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


@cache
def source_digest() -> str:
    """SHA-256 of the sources, so that a library of older ones is not taken for theirs."""
    digest = hashlib.sha256()
    for file in sorted(item for item in SOURCE.rglob("*") if item.is_file()):
        digest.update(file.relative_to(SOURCE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def _open(path: Path) -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(str(path))
        library.edgernn_kernels_describe.restype = ctypes.c_char_p
        library.edgernn_kernels_has.argtypes = [ctypes.c_char_p]
    except (OSError, AttributeError) as error:
        raise KernelError(
            f"{str(path)!r} is no library of edgernn's kernels for this machine: {error}. Build one with "
            "`edgernn kernels build`."
        ) from error
    return library
