"""Pen strokes: drawings from files and to them, their geometry, and the rows that networks take.

    from edgernn.strokes import point_rows, read_drawing

    text = session.run(point_rows(read_drawing("hello.inkml"))[None])

x goes to the right and y down, as on screens. numpy alone is needed.
"""

from __future__ import annotations

import os
from pathlib import Path

from edgernn.errors import InputError
from edgernn.files import existing_file, write_text
from edgernn.strokes.drawing import Drawing
from edgernn.strokes.geometry import height, normalised, resampled, sheared, slant, transformed
from edgernn.strokes.inkml import format_inkml, parse_inkml
from edgernn.strokes.rows import COLUMNS, STEP, point_rows
from edgernn.strokes.sampler import PenSampler
from edgernn.strokes.table import format_table, parse_table

__all__ = [
    "COLUMNS", "STEP", "STROKE_SUFFIXES", "Drawing", "PenSampler", "height", "normalised", "point_rows",
    "read_annotated", "read_drawing", "resampled", "sheared", "slant", "transformed", "write_drawing",
]  # fmt: skip

STROKE_SUFFIXES = (".inkml", ".csv")


def read_drawing(path: str | os.PathLike[str], what: str = "input") -> Drawing:
    """The drawing of an .inkml file, or of a .csv file with the columns x, y and stroke or pen.

    Args:
        path: the file.
        what: names it in messages.

    Raises:
        InputError: no file, another suffix, or one that holds no drawing; with the reason.
    """
    return read_annotated(path, what)[0]


def read_annotated(path: str | os.PathLike[str], what: str = "input") -> tuple[Drawing, dict[str, str]]:
    """As `read_drawing`, and what an .inkml file says of itself, by type: "truth", its text; "writer"."""
    file = existing_file(path, what)
    where = f"{what}: {str(file)!r}"
    suffix = file.suffix.lower()
    if suffix == ".inkml":
        return parse_inkml(file.read_bytes(), where)
    if suffix == ".csv":
        try:
            return parse_table(file.read_text("utf-8-sig"), where), {}
        except UnicodeDecodeError as error:
            raise InputError(f"{where} is no CSV file in UTF-8 ({error}).") from error
    raise InputError(f"{where} must end in {' or '.join(STROKE_SUFFIXES)}, as files of pen strokes do.")


def write_drawing(
    path: str | os.PathLike[str], drawing: Drawing, annotations: dict[str, str] | None = None
) -> None:
    """Write a drawing as .inkml, with annotations by type, or as .csv; whole or not at all.

    Raises:
        InputError: another suffix, annotations for a .csv file, or a path that cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".inkml":
        write_text(path, format_inkml(drawing, annotations))
    elif suffix == ".csv" and not annotations:
        write_text(path, format_table(drawing))
    else:
        raise InputError(f"output: {str(path)!r} must end in .inkml, or in .csv, which holds no annotations.")
