"""Files of pen strokes, as the input of a model that reads handwriting."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgernn.cli.arrays import Array
from edgernn.errors import InputError
from edgernn.strokes import COLUMNS, point_rows, read_drawing

if TYPE_CHECKING:
    from edgernn.manifest import TensorSpec
    from edgernn.runtime import Session

INKML = ".inkml"


def takes_strokes(spec: TensorSpec) -> bool:
    """Whether an input is the points of a drawing, by the names of what a step of it holds."""
    return spec.layout == ", ".join(COLUMNS)


def read_stroke_input(session: Session, path: Path, spec: TensorSpec) -> Array:
    """(1, points, 3) of an .inkml or .csv file; where the model streams, the pen rests to fill a chunk up.

    Raises:
        InputError: the model takes no strokes, or the file holds none.
    """
    if not takes_strokes(spec):
        raise InputError(
            f"input: {str(path)!r} holds pen strokes, and the model's {spec.name!r} of dimensions "
            f"{', '.join(map(str, spec.dims))} takes none; edgernn train handwriting makes one that does."
        )
    rows = point_rows(read_drawing(path))
    if session.manifest.streaming:
        behind = -len(rows) % (session.manifest.chunk or session.manifest.hop)
        # A stroke that begins is an event; the pen that rests is none.
        rows = np.concatenate([rows, np.repeat(rows[-1:] * [1, 1, 0], behind, axis=0)])
    return rows.astype(np.float32)[None]
