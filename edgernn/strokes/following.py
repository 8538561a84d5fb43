"""Where a pen goes, point after point, each drawn from the densities that a network gives.

Source: Alex Graves, "Generating sequences with recurrent neural networks" (2013), arXiv 1308.0850, section 5.

The draw stands beside the network, which so stays a function of its inputs that can be verified.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from edgernn.strokes.drawing import Points

WRITES_ON, LIFTED, DONE = range(3)

# Points of a text whose end does not come: letters take about 14 each.
_POINTS_A_SYMBOL, _MORE_POINTS = 40, 40
# Points after which a text that the window has left behind is over, once the pen is lifted.
_POINTS_BEHIND = 12


class Foreseen(NamedTuple):
    """What a network gives for the next point, each an array of one step.

    Attributes:
        mixture: (components, 6): logarithms of weights, means of x and y, their deviations, correlations.
        pen: (3,): logarithms of probabilities that it writes on, is lifted, or has written the text.
        window: (symbols + 1,): how much of each place of the text is seen, and of the place behind it.
    """

    mixture: np.ndarray
    pen: np.ndarray
    window: np.ndarray


# Takes a point, (3,): the way from the one before to the right and down, 1 where the pen was lifted after it.
Step = Callable[[np.ndarray], Foreseen]


@dataclass(frozen=True, eq=False)
class Written:
    """A text as strokes.

    Attributes:
        strokes: each (points, 2): x from the left end of the text, y down from its line.
        finished: whether the network said that the text is done; else it was stopped.
    """

    strokes: tuple[Points, ...]
    finished: bool


def follow(step: Step, symbols: int, generator: np.random.Generator, *, bias: float = 0.0) -> Written:
    """Write a text: draw a point, tell the network, and so on until the text is done.

    While the window has not come to the last symbol the text is not done, whatever is drawn. Once it is past
    it, the pen stops where it is drawn to; whether for good is then no matter of chance: the text is done if
    that is likelier than another stroke, such as the dot of an i, or if the window has long been past it.

    Args:
        step: the network, at the start of a text.
        symbols: how many the text has.
        generator: where random numbers come from.
        bias: see `draw_way` and `draw_pen`.
    """
    point = np.array([0.0, 0.0, 1.0])
    here = np.zeros(2)
    strokes: list[Points] = []
    stroke: list[Points] = []
    seen = behind = 0
    for _ in range(_POINTS_A_SYMBOL * symbols + _MORE_POINTS):
        foreseen = step(point)
        # The window never goes back; far behind the text it shows nothing at all.
        seen = max(seen, int(foreseen.window.argmax()))
        way = draw_way(foreseen.mixture, generator, bias=bias)
        pen = draw_pen(foreseen.pen, generator, bias=bias, may_end=seen >= symbols - 1)
        if pen == LIFTED and seen >= symbols and foreseen.pen[DONE] >= foreseen.pen[LIFTED]:
            pen = DONE
        here = here + way
        stroke.append(here)
        point = np.array([*way, float(pen != WRITES_ON)])
        if pen != WRITES_ON:
            strokes.append(np.array(stroke))
            stroke = []
        behind = behind + 1 if seen >= symbols else 0
        if pen == DONE or (pen == LIFTED and behind > _POINTS_BEHIND):
            return Written(tuple(strokes), finished=True)
    return Written((*strokes, *([np.array(stroke)] if stroke else [])), finished=False)


def draw_way(mixture: np.ndarray, generator: np.random.Generator, *, bias: float = 0.0) -> Points:
    """Draw where the pen goes.

    Args:
        mixture: (components, 6), see `Foreseen`.
        generator: where random numbers come from.
        bias: weights are raised to the power of 1 + bias, deviations divided by e^bias (equations 61 and 62).

    Returns:
        (2,), x and y.
    """
    log_weight, mean_x, mean_y, wide, high, lean = mixture.astype(np.float64).T
    chosen = _draw(log_weight * (1.0 + bias), generator)
    first, second = generator.standard_normal(2) * np.exp(-bias)
    tied = lean[chosen] * first + np.sqrt(1.0 - lean[chosen] ** 2) * second
    return np.array([mean_x[chosen] + wide[chosen] * first, mean_y[chosen] + high[chosen] * tied])


def draw_pen(
    log_probabilities: np.ndarray,
    generator: np.random.Generator,
    *,
    bias: float = 0.0,
    may_end: bool = True,
) -> int:
    """Draw what the pen does: WRITES_ON, LIFTED or DONE.

    Args:
        log_probabilities: (3,).
        generator: where the random number comes from.
        bias: probabilities are raised to the power of 1 + bias, as weights are in `draw_way`.
        may_end: whether the text may be done; otherwise one of the others is drawn.
    """
    return _draw(log_probabilities.astype(np.float64)[: DONE + may_end] * (1.0 + bias), generator)


def _draw(scores: np.ndarray, generator: np.random.Generator) -> int:
    """A number, by the logarithms of what speaks for each."""
    weights = np.exp(scores - scores.max()).cumsum()
    return int(np.searchsorted(weights, generator.random() * weights[-1], side="right"))
