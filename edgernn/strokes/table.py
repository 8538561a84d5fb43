"""Tables of points, one a line, to drawings and back."""

from __future__ import annotations

import csv
import io
import math

from edgernn.errors import InputError
from edgernn.strokes.drawing import Drawing


def parse_table(text: str, where: str) -> Drawing:
    """The drawing of a CSV file with a header line.

    Columns: x and y (down); and either `stroke`, whose value is another one where a new stroke begins, or
    `pen`, 1 while the pen touches and 0 while it does not; perhaps `time`, in seconds. Others are passed
    over. A table of x and y alone is one stroke.

    Args:
        text: the file.
        where: names it in messages.

    Raises:
        InputError: a column is missing, a value is no finite number, or there are no points.
    """
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"{where}: it is no CSV file ({error}).") from error
    header = [cell.strip().lower() for cell in lines[0][1]] if lines else []
    if "x" not in header or "y" not in header:
        raise InputError(
            f"{where}: its first line must name the columns, x and y among them (and stroke or pen); found "
            f"{', '.join(header) or 'nothing'}."
        )
    names = [name for name in ("x", "y", "time", "stroke", "pen") if name in header]
    strokes: list[list[list[float]]] = []
    before: float | None = None
    for line, row in lines[1:]:
        if len(row) != len(header):
            raise InputError(
                f"{where}: line {line} has {len(row)} values, and the header {len(header)} names."
            )
        values = {
            name: _number(row[header.index(name)], f"{where}: line {line}, column {name}") for name in names
        }
        if "pen" in values and values["pen"] not in (0.0, 1.0):
            raise InputError(f"{where}: line {line}: pen must be 1 or 0, found {values['pen']:g}.")
        touches = values.get("pen", 1.0) == 1.0
        stroke = values.get("stroke", 0.0) if touches else None
        if stroke is not None:
            if stroke != before:
                strokes.append([])
            strokes[-1].append([values[name] for name in ("x", "y", "time") if name in values])
        before = stroke
    if not strokes:
        raise InputError(f"{where}: it holds no points that the pen touched.")
    return Drawing(strokes)


def format_table(drawing: Drawing) -> str:
    """A drawing as a CSV file: x, y, stroke, and time where every stroke has it."""
    timed = all(stroke.shape[1] == 3 for stroke in drawing.strokes)
    lines = ["x,y,stroke,time" if timed else "x,y,stroke"]
    for number, stroke in enumerate(drawing.strokes):
        for point in stroke.tolist():
            time = f",{point[2]:.9g}" if timed else ""
            lines.append(f"{point[0]:.9g},{point[1]:.9g},{number}{time}")
    return "\n".join([*lines, ""])


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{where}: {text.strip()!r} is no number.") from None
    if not math.isfinite(value):
        raise InputError(f"{where}: {text.strip()} is no finite number; leave such points out.")
    return value
