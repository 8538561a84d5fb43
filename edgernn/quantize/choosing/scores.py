"""Scores of a file on labelled data, in numpy: what a budget is held against where there is no recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgernn.errors import InputError
from edgernn.quantize.error import run_file
from edgernn.runtime import Session

# Gives scores by name, e.g. {"accuracy": 0.95}.
Score = Callable[[Session], dict[str, float]]


def labelled(inputs: Sequence[np.ndarray], targets: np.ndarray) -> Score:
    """A score of a file's first output against `targets`.

    Args:
        inputs: one array for each input of the model.
        targets: whole numbers of the output's shape without its last dimension are classes: "accuracy" is
            the share of them that the largest output names. Numbers of the output's own shape are what it
            should be: "rmse" and "mae". Of an output with time, targets without time are compared with its
            last step.
    """
    targets = np.asarray(targets)

    def score(session: Session) -> dict[str, float]:
        return score_output(run_file(session, inputs)[0], targets, session.outputs[0].time_dim)

    return score


def score_output(output: np.ndarray, targets: np.ndarray, time_dim: int | None) -> dict[str, float]:
    """Accuracy, or rmse and mae; see `labelled`. Raises InputError where the shapes do not fit."""
    candidates = [output]
    if time_dim is not None:
        candidates.append(output.take(-1, axis=time_dim))
    for found in candidates:
        if targets.dtype.kind in "iub" and targets.shape == found.shape[:-1]:
            return {"accuracy": float(np.mean(found.argmax(-1) == targets))}
    for found in candidates:
        if targets.shape == found.shape:
            difference = np.asarray(found, np.float64) - targets
            return {
                "rmse": float(np.sqrt(np.mean(difference**2))),
                "mae": float(np.mean(np.abs(difference))),
            }
    classes = " or ".join(str(found.shape[:-1]) for found in candidates)
    values = " or ".join(str(found.shape) for found in candidates)
    raise InputError(
        f"targets: {targets.dtype} of shape {targets.shape} do not fit the output of shape {output.shape}. "
        f"Give integers of shape {classes} as classes, or numbers of shape {values}."
    )
