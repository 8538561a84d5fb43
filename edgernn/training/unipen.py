"""UNIPEN, the format that handwriting was exchanged in: files of labels, which include files of strokes.

Source: Guyon, Schomaker, Plamondon, Liberman and Janet (1994), "UNIPEN project of on-line data exchange and
recognizer benchmarks". Of its keywords those are read that say strokes, labels and writers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError
from edgernn.strokes import Drawing
from edgernn.training.writings import Writing

_KEYWORD = re.compile(r"^\s*\.([A-Z0-9_]+)\s*(.*?)\s*$")
_SEGMENT = re.compile(r'^(\S+)\s+(\S+)\s+(\S+)\s+"(.*)"$')
_PLACE = re.compile(r"^(\d+)(?::(\d+))?(?:-(\d+)(?::(\d+))?)?$")
# KAIST's sign for a piece of ink that belongs to no letter; the text is what remains without it.
_LIGATURE = r"\@"
_DEEPEST = 8


@dataclass
class _Ink:
    """What a file and those that it includes hold.

    Attributes:
        components: strokes, in the order of their numbers; one without points where the pen did not move.
        segments: (hierarchy, place, quality, text, where).
        writer: who wrote them all.
        columns: which values of a point are x and y.
    """

    components: list[npt.NDArray[np.float64]] = field(default_factory=list)
    segments: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    writer: str = ""
    columns: tuple[int, int] = (0, 1)


def read_unipen(folder: Path) -> list[Writing]:
    """Every segment of the .dat files below a folder that is a character or a word of good quality.

    Files that are named by `.INCLUDE` stand below a folder `include` in this folder or in one above it, and
    nowhere else. A writer's name is that of the folder below `include`, a slash, and `.WRITER_ID`.

    Raises:
        InputError: a file is missing, lies elsewhere, or cannot be read; with its name and line.
    """
    parents = [folder.resolve(), *folder.resolve().parents]
    root = next((parent / "include" for parent in parents if (parent / "include").is_dir()), None)
    read: dict[Path, list[str]] = {}
    found: list[Writing] = []
    for file in sorted(folder.rglob("*.dat")):
        if root is not None and file.resolve().is_relative_to(root):
            continue
        ink = _Ink()
        _read(file, root, ink, read, 0)
        for hierarchy, place, quality, text, where in ink.segments:
            if hierarchy in ("CHARACTER", "WORD") and quality in ("OK", "GOOD", "?"):
                drawing = Drawing(_strokes(ink, place, where))
                found.append(Writing(drawing, text, ink.writer, where))
    if not found:
        raise InputError(
            f"data: the UNIPEN files below {str(folder)!r} hold no .SEGMENT of a character or word."
        )
    return found


def _read(file: Path, root: Path | None, ink: _Ink, read: dict[Path, list[str]], depth: int) -> None:
    if depth > _DEEPEST:
        raise InputError(f"data: {str(file)!r} is included by files that include each other.")
    if file not in read:
        try:
            read[file] = file.read_text("latin-1").splitlines()
        except OSError as error:
            raise InputError(f"data: {str(file)!r} cannot be read: {error.strerror}.") from error
    points: list[list[float]] | None = None
    for number, line in enumerate(read[file], start=1):
        where = f"{file}, line {number}"
        match = _KEYWORD.match(line)
        if match is None:
            if points is not None and line.strip():
                points.append(_point(line, ink.columns, where))
            continue
        keyword, rest = match.groups()
        if points is not None:
            ink.components.append(_array(points))
            points = None
        if keyword == "PEN_DOWN":
            points = []
        elif keyword == "INCLUDE":
            _read(_included(rest, root, where), root, ink, read, depth + 1)
        elif keyword == "COORD":
            names = rest.split()
            if "X" not in names or "Y" not in names:
                raise InputError(f"data: {where}: .COORD must name X and Y, found {rest!r}.")
            ink.columns = names.index("X"), names.index("Y")
        elif keyword == "WRITER_ID":
            source = file.relative_to(root).parts[0] if root and file.is_relative_to(root) else ""
            ink.writer = f"{source}/{rest}" if source else rest
        elif keyword == "SEGMENT":
            if (segment := _SEGMENT.match(rest)) is None:
                raise InputError(
                    f'data: {where}: expected .SEGMENT HIERARCHY PLACE QUALITY "TEXT", found {rest!r}.'
                )
            hierarchy, place, quality, text = segment.groups()
            ink.segments.append((hierarchy, place, quality, _unescaped(text), where))
    if points is not None:
        ink.components.append(_array(points))


def _included(name: str, root: Path | None, where: str) -> Path:
    """The file of a name; a name may not lead out of the folder of included files."""
    if root is None:
        raise InputError(f"data: {where}: there is no folder include that {name!r} could stand in.")
    try:
        path = (root / name).resolve()
        inside = path.is_relative_to(root) and path.is_file()
    except (OSError, ValueError):
        inside = False
    if not inside:
        raise InputError(f"data: {where}: no file {name!r} below {str(root)!r}.")
    return path


def _point(line: str, columns: tuple[int, int], where: str) -> list[float]:
    values = line.split()
    try:
        # y goes upward in UNIPEN.
        return [float(values[columns[0]]), -float(values[columns[1]])]
    except (ValueError, IndexError):
        raise InputError(f"data: {where}: {line.strip()!r} is no point.") from None


def _array(points: list[list[float]]) -> npt.NDArray[np.float64]:
    return np.array(points, dtype=np.float64).reshape(-1, 2)


def _strokes(ink: _Ink, place: str, where: str) -> list[npt.NDArray[np.float64]]:
    """The strokes of a place: components 3-5, or 3:2-5:9 with points, several parted by commas."""
    strokes = []
    for part in place.split(","):
        if (match := _PLACE.match(part)) is None:
            raise InputError(f"data: {where}: {part!r} are no component numbers, such as 3-5.")
        first, begin, last, end = (None if text is None else int(text) for text in match.groups())
        assert first is not None
        last = first if last is None else last
        if not first <= last < len(ink.components):
            raise InputError(
                f"data: {where}: there are {len(ink.components)} components and no {part}; is a file missing "
                "that it includes?"
            )
        chosen = ink.components[first : last + 1]
        if end is not None:
            chosen[-1] = chosen[-1][: end + 1]
        if begin is not None:
            chosen[0] = chosen[0][begin:]
        strokes += [stroke for stroke in chosen if len(stroke)]
    if not strokes:
        raise InputError(f"data: {where}: components {place} hold no points.")
    return strokes


def _unescaped(text: str) -> str:
    """A label as it is read: without marks of ink between letters, `\\"` as `"`, `\\\\` as `\\`."""
    return re.sub(r"\\(.)", r"\1", text.replace(_LIGATURE, ""))
