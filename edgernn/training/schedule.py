"""Learning-rate schedules, as functions of how far training is.

They keep nothing between two steps, so a resumed run goes on with the very learning rates that it would have
had: a factor follows from the number of the step, or from the validation losses so far.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

# Smith & Topin (2018), "Super-convergence", with the shares that torch's OneCycleLR has.
_WARM_UP, _FIRST, _LAST = 0.3, 1 / 25, 1e-5

# Their course depends on max_epochs, so that a run cannot go on beyond it.
BOUND_TO_MAX_EPOCHS = ("cosine", "one-cycle")


def step_factor(schedule: str, step: int, steps: int) -> float:
    """The learning rate of a step ÷ the largest one, of the schedules that follow the step.

    Args:
        schedule: "constant", "cosine" (Loshchilov & Hutter 2017, without restarts) or "one-cycle".
        step: number of the step, from 0.
        steps: of the whole training.
    """
    done = min(1.0, step / max(1, steps - 1))
    if schedule == "cosine":
        return _cosine(1.0, 0.0, done)
    if schedule == "one-cycle":
        if done < _WARM_UP:
            return _cosine(_FIRST, 1.0, done / _WARM_UP)
        return _cosine(1.0, _LAST, (done - _WARM_UP) / (1 - _WARM_UP))
    return 1.0


def plateau_factor(losses: Sequence[float], patience: int) -> float:
    """The learning rate of the next epoch ÷ the first one's: halved on every plateau.

    Args:
        losses: validation loss of each epoch so far.
        patience: epochs without a smaller one before a halving; they are counted anew after it.
    """
    factor, best, waited = 1.0, math.inf, 0
    for loss in losses:
        if loss < best:
            best, waited = loss, 0
            continue
        waited += 1
        if waited == patience:
            factor, waited = factor / 2, 0
    return factor


def _cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2
