"""A drawing as a picture in SVG: paths of numbers and nothing else, so that no text from anywhere gets in."""

from __future__ import annotations

import math

import numpy as np

from edgernn.errors import InputError
from edgernn.strokes.drawing import Drawing, Points

# Places behind the point: a thousandth of a pixel is more than anybody sees.
_DIGITS = 3
# How far a curve's handles reach to the neighbours of its end: Catmull and Rom's splines.
_REACH = 1 / 6


def format_svg(
    drawing: Drawing, *, scale: float = 1.0, width: float = 2.0, margin: float = 10.0, smooth: bool = True
) -> str:
    """A drawing as SVG.

    Args:
        drawing: what was written.
        scale: pixels a unit of the drawing.
        width: of the pen, in pixels.
        margin: around the drawing, in pixels.
        smooth: whether curves go through the points, in place of straight lines.

    Raises:
        InputError: where scale, width or margin is not what it must be.
    """
    for name, value, least in (("scale", scale, 0.0), ("width", width, 0.0), ("margin", margin, -1e-9)):
        if not least < value < math.inf:
            raise InputError(f"{name}: must be a number {'from' if least else 'above'} 0, found {value!r}.")
    strokes = [stroke[:, :2] * scale for stroke in drawing.strokes]
    everything = np.concatenate(strokes)
    left, top = everything.min(axis=0) - margin
    right, bottom = everything.max(axis=0) + margin
    size = f"{_number(right - left)} {_number(bottom - top)}"
    wide, high = size.split()
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" viewBox="0 0 {size}">',
        f'<g fill="none" stroke="black" stroke-width="{_number(width)}" stroke-linecap="round" '
        'stroke-linejoin="round">',
        *(f'<path d="{_path(stroke - (left, top), smooth)}"/>' for stroke in strokes),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _path(points: Points, smooth: bool) -> str:
    """A stroke's path: to its first point, and on from there."""
    start = f"M{_pair(points[0])}"
    if len(points) == 1:
        return f"{start}h0"  # a dot, as round as the pen
    if not smooth:
        return start + "".join(f"L{_pair(point)}" for point in points[1:])
    around = np.concatenate([points[:1], points, points[-1:]])
    handles = (around[2:] - around[:-2]) * _REACH
    firsts, seconds = points[:-1] + handles[:-1], points[1:] - handles[1:]
    return start + "".join(
        f"C{_pair(first)} {_pair(second)} {_pair(end)}"
        for first, second, end in zip(firsts, seconds, points[1:], strict=True)
    )


def _pair(point: Points) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    """As short as it can be."""
    text = f"{float(value):.{_DIGITS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
