"""Compiling the kernels: CMake, a C++17 compiler, and onnxruntime's C header."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgernn.errors import InputError, KernelError
from edgernn.files import atomic_path
from edgernn.kernels import SOURCE, Library, built_library, library_name, open_library

HEADER = "onnxruntime_c_api.h"
# Where packages of onnxruntime put the header.
_FOLDERS = tuple(
    Path(prefix) / "include" / folder
    for prefix in ("/usr", "/usr/local", "/opt/homebrew")
    for folder in ("onnxruntime", "onnxruntime/core/session", "")
)
_HOW = (
    "Debian 13 and Ubuntu 25.04 have it: apt-get install libonnxruntime-dev. Otherwise take the folder "
    "include/ of a release of onnxruntime, or headers/ of its Android package, any version from 1.17 on, and "
    "name it with --ort-include FOLDER."
)
_LINES_SHOWN = 20


def build(
    output: str | os.PathLike[str] | None = None, *, ort_include: str | os.PathLike[str] | None = None
) -> Library:
    """Compile the kernels for this machine.

    Args:
        output: the file to write; None: where `edgernn.kernels.find` looks for it.
        ort_include: folder of onnxruntime_c_api.h; None: where packages put it.

    Raises:
        InputError: where the header is not found, with what brings it.
        KernelError: where CMake or a compiler is missing, or fails, with the end of what it printed.
    """
    header = find_header(ort_include)
    target = built_library() if output is None else Path(output)
    with tempfile.TemporaryDirectory(prefix="edgernn-kernels-") as folder:
        compile_sources(Path(folder), header)
        with atomic_path(target) as temporary:
            shutil.copyfile(Path(folder) / library_name(), temporary)
    return open_library(target)


def compile_sources(folder: Path, ort_include: Path | None, *definitions: str) -> None:
    """Configure and build in `folder`; `definitions` are further options of CMake. Raises KernelError."""
    cmake = shutil.which("cmake")
    if cmake is None:
        raise KernelError(
            "the kernels are built with CMake, which is not installed: apt-get install cmake g++ (Debian, "
            "Ubuntu), brew install cmake (macOS), or pip install cmake."
        )
    include = "" if ort_include is None else str(ort_include)
    _run([cmake, "-S", str(SOURCE), "-B", str(folder), f"-DORT_INCLUDE={include}", *definitions])
    _run([cmake, "--build", str(folder), "--config", "Release", "--parallel", str(os.cpu_count() or 1)])


def find_header(folder: str | os.PathLike[str] | None = None) -> Path:
    """The folder of onnxruntime's C header. Raises InputError where it is not found."""
    if folder is not None:
        for candidate in _within(Path(folder)):
            if (candidate / HEADER).is_file():
                return candidate.resolve()
        raise InputError(f"ort-include: there is no {HEADER} in {str(folder)!r}. {_HOW}")
    for candidate in _FOLDERS:
        if (candidate / HEADER).is_file():
            return candidate
    raise InputError(f"ort-include: {HEADER}, onnxruntime's C header, is not on this machine. {_HOW}")


def _within(folder: Path) -> Iterator[Path]:
    yield from (folder, folder / "onnxruntime", folder / "include", folder / "include" / "onnxruntime")


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise KernelError(f"{command[0]} cannot be started: {error}.") from error
    if done.returncode != 0:
        printed = (done.stdout + done.stderr).strip().splitlines()
        raise KernelError(
            f"building the kernels failed ({' '.join(command[:2])} …):\n" + "\n".join(printed[-_LINES_SHOWN:])
        )
