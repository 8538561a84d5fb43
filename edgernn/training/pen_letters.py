"""Digits and letters written by pens of this module's own, from a seed: to learn from where nobody wrote any.

They are no handwriting: each sign has one form or two, which hands lean, widen and shake differently.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from edgernn.errors import InputError
from edgernn.strokes import Drawing, sheared
from edgernn.strokes.drawing import Points
from edgernn.training.writings import Writing

# Points that a stroke's curve goes through; ";" parts strokes, "|" several forms. y goes down: small letters
# reach from 0 to 10, the line that they stand on. A point that comes twice is a corner.
_FORMS = {
    "0": "6,-8 2,-5 0,1 2,7 6,10 10,7 12,1 10,-5 6,-8",
    "1": "2,-4 7,-8 7,-8 7,1 7,10 | 5,-8 5,1 5,10",
    "2": "1,-4 3,-7 7,-8 11,-5 10,0 5,5 0,10 0,10 6,10 12,10 | 1,-5 5,-8 10,-5 6,3 1,9 2,7 6,8 12,10",
    "3": "1,-6 5,-8 10,-6 10,-3 5,0 5,0 10,2 11,6 7,10 0,8",
    "4": "8,-8 4,-2 0,4 0,4 6,4 13,4; 9,-2 9,4 9,10 | 1,-8 1,-2 1,2 1,2 6,2 12,2; 10,-8 10,1 10,10",
    "5": "2,-8 2,-4 2,0 2,0 6,-1 11,2 11,7 6,10 0,9; 2,-8 7,-8 11,-8"
    " | 11,-8 6,-8 2,-8 2,-8 2,-4 2,0 2,0 6,-1 11,2 11,7 6,10 0,9",
    "6": "10,-8 4,-4 0,3 2,9 7,10 11,6 9,2 4,2 1,6",
    "7": "0,-8 6,-8 12,-8 12,-8 8,0 4,10 | 0,-8 6,-8 12,-8 12,-8 8,0 4,10; 3,1 7,1 11,1",
    "8": "10,-6 5,-8 2,-5 5,-1 10,3 9,9 5,10 1,8 2,3 7,-1 11,-5 9,-7",
    "9": "11,-5 7,-8 2,-6 2,-2 6,0 10,-2 11,-6 11,-6 11,2 10,10",
    "a": "10,2 6,0 1,3 1,8 5,10 9,7 10,1 10,1 10,6 12,10",
    "b": "0,-8 0,1 0,10 0,10 0,4 4,0 9,3 9,8 4,10 0,8",
    "c": "10,2 6,0 1,3 1,7 5,10 10,8",
    "d": "9,3 5,0 1,3 1,8 5,10 9,7 10,-8 10,-8 10,3 11,10",
    "e": "1,5 6,5 10,4 7,0 2,2 1,7 5,10 10,8",
    "f": "9,-6 6,-8 4,-4 4,3 4,10; 0,1 4,1 8,1",
    "g": "10,2 5,0 1,3 2,8 6,9 10,5 10,1 10,1 10,9 8,15 3,16 1,14",
    "h": "0,-8 0,1 0,10 0,10 1,3 5,0 8,3 8,10",
    "i": "2,0 2,5 3,10; 2,-4",
    "j": "5,0 5,7 4,14 0,15; 5,-4",
    "k": "0,-8 0,1 0,10; 8,0 4,3 0,5 0,5 4,7 9,10",
    "l": "2,-8 2,1 3,10",
    "m": "0,0 0,5 0,10 0,10 1,3 4,0 6,3 6,10 6,10 7,3 10,0 12,3 12,10",
    "n": "0,0 0,5 0,10 0,10 1,3 5,0 8,3 8,10",
    "o": "5,0 1,3 1,7 5,10 9,7 9,3 5,0",
    "p": "0,0 0,8 0,16 0,16 0,8 1,2 5,0 9,3 9,7 5,10 0,8",
    "q": "10,2 5,0 1,3 2,8 6,10 10,6 10,1 10,1 10,9 10,16",
    "r": "0,0 0,5 0,10 0,10 1,4 4,0 8,1",
    "s": "9,1 5,0 1,2 4,5 9,7 7,10 0,9",
    "t": "4,-6 4,1 5,8 9,10; 0,0 4,0 9,0",
    "u": "0,0 0,5 2,10 6,9 9,5 9,0 9,0 9,5 10,10",
    "v": "0,0 2,5 5,10 5,10 8,5 10,0",
    "w": "0,0 2,5 4,10 4,10 6,5 7,1 7,1 9,6 11,10 11,10 13,5 14,0",
    "x": "0,0 5,5 9,10; 9,0 4,5 0,10",
    "y": "0,0 2,5 5,9; 10,0 6,8 1,16",
    "z": "0,0 5,0 10,0 10,0 5,5 0,10 0,10 5,10 11,10",
    " ": "",
}
CHARACTERS = tuple(sign for sign in _FORMS if sign != " ")
# Points of the curve between two that it goes through.
_FINE = 6


def write_samples(texts: Sequence[str], hands: int, seed: int) -> list[Writing]:
    """Each text by each of so many hands.

    Raises:
        InputError: where a text holds what these pens cannot write; with what they can.
    """
    for text in texts:
        if not text.strip() or not set(text) <= set(_FORMS):
            raise InputError(
                f"texts: {text!r} is none that can be written here; digits, small letters and spaces are."
            )
    found = []
    for hand in range(hands):
        drawn = random.Random(f"{seed} {hand}")
        # How a hand always writes; what it does differently each time is drawn below.
        lean, wide, apart = drawn.uniform(-0.15, 0.5), drawn.uniform(0.75, 1.25), drawn.uniform(2, 5)
        style = {sign: drawn.randrange(2) for sign in _FORMS}
        habit = np.random.default_rng(drawn.randrange(2**31))
        offsets = {sign: habit.normal(0, 0.6, (64, 2)) for sign in _FORMS}
        for text in texts:
            strokes: list[Points] = []
            place = 0.0
            for sign in text:
                forms = _FORMS[sign].split("|")
                form = _strokes(forms[style[sign] % len(forms)], offsets[sign], habit)
                strokes += [stroke * [wide, 1.0] + [place, 0.0] for stroke in form]
                right = max((stroke[:, 0].max() for stroke in form), default=8.0)
                place += right * wide + apart + drawn.uniform(-1, 1)
            drawing = sheared(Drawing(strokes), lean)
            found.append(Writing(drawing, text, f"pen {hand}", f"{text!r} by pen {hand}"))
    return found


def _strokes(form: str, offsets: Points, habit: np.random.Generator) -> list[Points]:
    strokes, used = [], 0
    for part in filter(None, map(str.strip, form.split(";"))):
        points = np.array([[float(value) for value in point.split(",")] for point in part.split()])
        # What falls together stays together: a corner is one.
        _, same = np.unique(points, axis=0, return_inverse=True)
        moved = offsets[used:][: len(points)] + habit.normal(0, 0.4, points.shape)
        strokes.append(_curve(points + moved[same.ravel()]))
        used += len(points)
    return strokes


def _curve(points: Points) -> Points:
    """A Catmull-Rom spline through the points."""
    if len(points) == 1:
        return points
    before, behind = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    p = np.concatenate([before[None], points, behind[None]])
    t = np.linspace(0, 1, _FINE, endpoint=False)[:, None]
    parts = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * (b - c) + d - a) * t**3)
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    return np.concatenate([*parts, points[-1:]])
