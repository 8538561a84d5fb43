"""The same text by another hand: drawings changed at random, and the options of recipes that do so.

Random numbers come from torch's global generator, which training seeds anew for each epoch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from edgernn.strokes import Drawing, height, transformed
from edgernn.training.options import option

# Waves that bend a drawing have at most so many periods in a height.
_BENDS = 1.5


@dataclass(frozen=True)
class PenVariation:
    """Options of a recipe whose samples are drawings; inherited beside its other options."""

    rotate: float = option(
        0.12, "Spread of the angle that training turns drawings by, in radians.", minimum=0
    )
    lean: float = option(0.2, "Spread of what training leans them by, x per y.", minimum=0)
    widen: float = option(0.15, "Spread of what training makes them wider by, as a logarithm.", minimum=0)
    resize: float = option(
        0.1, "Spread of a wrong guess of their size in training, as a logarithm.", minimum=0
    )
    backwards: float = option(
        0.15, "Of characters: share of strokes that training draws from their end.", minimum=0, maximum=1
    )
    reorder: float = option(
        0.1,
        "Of characters: share of drawings whose strokes training takes in another order.",
        minimum=0,
        maximum=1,
    )
    bend: float = option(0.03, "Spread of the waves that training bends them with, in heights.", minimum=0)


def varied(drawing: Drawing, options: PenVariation) -> tuple[Drawing, float]:
    """A drawing as another hand might have drawn it, and what is taken for its height.

    Turned, leaned, widened, bent by a slow wave along each axis, and drawn the other way round. Times that
    strokes hold no longer ascend then.
    """
    turn, lean, wide, guess, *bends = torch.randn(6).tolist()
    angle = options.rotate * turn
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    widening = np.array([[math.exp(options.widen * wide), options.lean * lean], [0.0, 1.0]])
    changed = transformed(drawing, rotation @ widening, drawing.strokes[0][0, :2])
    size = height(changed)
    if options.bend:
        changed = _bent(changed, options.bend * size * np.array(bends), size)
    return _another_way(changed, options), size * math.exp(options.resize * guess)


def _another_way(drawing: Drawing, options: PenVariation) -> Drawing:
    """The same ink, perhaps from other ends and in another order."""
    strokes = drawing.strokes
    if options.backwards:
        turned = torch.rand(len(strokes)) < options.backwards
        strokes = tuple(s[::-1] if turn else s for s, turn in zip(strokes, turned.tolist(), strict=True))
    if options.reorder and float(torch.rand(())) < options.reorder:
        strokes = tuple(strokes[n] for n in torch.randperm(len(strokes)).tolist())
    return Drawing(strokes)


def _bent(drawing: Drawing, amplitudes: np.ndarray, size: float) -> Drawing:
    """Each axis moved by a wave along a direction of its own, at a place of its own."""
    waves = 2 * math.pi * torch.rand(2, 3).numpy()
    strokes = []
    for stroke in drawing.strokes:
        moved = stroke.copy()
        for axis, (direction, phase, periods) in enumerate(waves):
            along = stroke[:, 0] * math.cos(direction) + stroke[:, 1] * math.sin(direction)
            # `periods` is from 0 to 2π as drawn, and so from 0 to _BENDS periods a height.
            moved[:, axis] += amplitudes[axis] * np.sin(_BENDS * periods * along / size + phase)
        strokes.append(moved)
    return Drawing(strokes)
