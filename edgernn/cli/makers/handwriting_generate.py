"""Text written by hand: a picture (.svg), or the strokes themselves (.inkml, .csv)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgernn.cli import makers
from edgernn.cli.makers import Made
from edgernn.errors import InputError
from edgernn.files import write_text
from edgernn.runtime import Session
from edgernn.runtime.handwriting import Pen
from edgernn.strokes import write_drawing
from edgernn.strokes.svg import format_svg

# Width of the pen ÷ height of small letters.
_PEN = 0.09


@dataclass(frozen=True)
class Options:
    """What `--set` may set.

    Attributes:
        bias: 0 writes as people do; more, neater.
        writer: whose hand; empty: that of who wrote most.
        width: most letters of a line.
        size: of a picture: height of small letters, in pixels.
    """

    bias: float = 1.0
    writer: str = ""
    width: int = 40
    size: float = 24.0


class Maker(makers.Maker):
    """Writes a text by hand."""

    SUFFIXES = (".svg", ".inkml", ".csv")
    OPTIONS = Options

    def make(self, text: str, output: Path, options: Any, seed: int | None) -> Made:
        """Write the text, and the file."""
        if not isinstance(self.network, Session):
            raise InputError(f"{str(self.network.folder)!r}: handwriting takes one .onnx file, not a folder.")
        pen = Pen(self.network)
        writer = options.writer or pen.writers[0]
        drawing = pen.write(text, bias=options.bias, writer=writer, width=options.width, seed=seed)
        if output.suffix.lower() == ".svg":
            write_text(output, format_svg(drawing, scale=options.size, width=_PEN * options.size))
        else:
            write_drawing(output, drawing)
        strokes, points = len(drawing.strokes), len(drawing.points)
        return Made(
            {"strokes": strokes, "points": points, "writer": writer},
            (f"{strokes} strokes of {points} points, by the hand of {writer}",),
        )
