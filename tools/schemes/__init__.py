"""Tasks on which schemes are scored, one file each, found by its name.

A task is a module with `METRIC`, `HIGHER_IS_BETTER` (whether more of it is better) and `prepare(data, seed)`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from torch import Tensor, nn

from edgernn.runtime import Session


@dataclass(frozen=True)
class Task:
    """A trained network and how files of it are scored.

    Attributes:
        model: the network, in evaluation mode.
        example: an input of its forward.
        calibration: real inputs, for schemes that need them and to measure errors on.
        score: the metric of a streaming file on held-out data.
        about: what was trained on what, in words.
    """

    model: nn.Module
    example: Tensor
    calibration: np.ndarray
    score: Callable[[Session], float]
    about: str


def task_names() -> list[str]:
    """The tasks of this folder."""
    return sorted(item.name for item in pkgutil.iter_modules(__path__))


def find_task(name: str) -> ModuleType:
    """The module of a task."""
    return importlib.import_module(f"{__name__}.{name}")
