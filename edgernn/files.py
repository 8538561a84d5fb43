"""Writing files whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from edgernn.errors import InputError

# What makes a folder a network of several graphs; see `edgernn.network_folder`.
BUNDLE_FILE = "bundle.json"


def existing_file(path: str | os.PathLike[str], what: str) -> Path:
    """`path` as a Path; raises InputError where no file stands there. `what` names it in the message."""
    path = Path(path)
    if not path.exists():
        raise InputError(f"{what}: no file at {str(path)!r}. Check the path.")
    if (path / BUNDLE_FILE).is_file():
        raise InputError(
            f"{what}: {str(path)!r} is a network of several graphs, and this takes one. Name a file in it."
        )
    if not path.is_file():
        raise InputError(f"{what}: {str(path)!r} is not a file.")
    return path


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path`, moved over it when the block ends well and removed when it does not.

    Readers see the old file or the whole new one, never a part of it. Missing parent folders are made.
    """
    target = Path(path)
    if target.is_dir():
        raise InputError(f"output path {str(target)!r} is a folder; name a file in it.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise InputError(f"output path {str(target)!r} cannot be written: {error.strerror}.") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; a model is an ordinary file of its owner.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def require_free_folder(path: str | os.PathLike[str]) -> None:
    """Raise InputError where something stands at `path` that is not an empty folder."""
    place = Path(path)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise InputError(f"folder: {str(place)!r} exists and is not empty. Name another, or remove it first.")


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary folder beside `path`, renamed to it when the block ends well and removed when it does not.

    Raises:
        InputError: where `path` is a file or a folder that is not empty, or cannot be made.
    """
    target = Path(path)
    require_free_folder(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise InputError(f"folder: {str(target)!r} cannot be made: {error.strerror}.") from error
    try:
        yield temporary
        # mkdtemp makes private folders; this is an ordinary one of its owner.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o777 & ~mask)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_table(
    path: str | os.PathLike[str], header: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Write a .csv file with a header line to `path` atomically."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` to `path` atomically, as UTF-8."""
    write_bytes(path, text.encode("utf-8"))
