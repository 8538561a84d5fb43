"""Omniglot's pen strokes: characters of many alphabets, each drawn by twenty people.

Source: Lake, Salakhutdinov and Tenenbaum (2015), "Human-level concept learning through probabilistic program
induction"; its strokes_*.zip files.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from edgernn.errors import InputError
from edgernn.strokes import Drawing
from edgernn.training.writings import Writing

# ALPHABET/characterNN/CHARACTER_DRAWER.txt, below one folder.
_NAME = re.compile(r"([^/]+)/(character\d+)/\d+_(\d+)\.txt$")
# What a file of strokes may be unpacked to: a drawing has some thousand points of 30 characters.
_LARGEST = 1 << 20


def read_omniglot(path: Path) -> list[Writing]:
    """The drawings of a strokes_*.zip file: labels are ALPHABET/characterNN, writers the drawers 01 to 20.

    Drawer 03 of one alphabet and of another need not be one person; who holds drawers apart holds all apart.

    Raises:
        InputError: it is no zip file, holds no drawings, or one that is damaged.
    """
    found = []
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                match = _NAME.search(info.filename)
                if match is None or info.filename.startswith("__MACOSX/"):
                    continue
                where = f"{path}: {info.filename}"
                if info.file_size > _LARGEST:
                    raise InputError(f"data: {where}: {info.file_size} bytes are no drawing.")
                alphabet, character, drawer = match.groups()
                drawing = _drawing(archive.read(info).decode("ascii", "replace"), where)
                found.append(Writing(drawing, f"{alphabet}/{character}", drawer, where, named=True))
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"data: {str(path)!r} is no zip file that can be read ({error}).") from error
    if not found:
        raise InputError(
            f"data: {str(path)!r} holds no drawings ALPHABET/characterNN/NNNN_NN.txt of Omniglot."
        )
    return found


def _drawing(text: str, where: str) -> Drawing:
    """Lines of START, BREAK between strokes, and x,y,time: y upward and so negative, in milliseconds."""
    strokes: list[list[tuple[float, float, float]]] = [[]]
    for line in text.split():
        if line == "BREAK":
            strokes.append([])
        elif line != "START":
            try:
                x, y, milliseconds = map(float, line.split(","))
            except ValueError:
                raise InputError(f"data: {where}: {line!r} is no point x,y,time.") from None
            strokes[-1].append((x, -y, milliseconds / 1000))
    try:
        return Drawing(stroke for stroke in strokes if stroke)
    except InputError as error:
        raise InputError(f"data: {where}: {error}") from error
