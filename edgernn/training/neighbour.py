"""The nearest recording by plain statistics, or drawing by its path: what a network must beat."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def nearest_by_statistics(train: Sequence[Tensor], classes: Sequence[int], test: Sequence[Tensor]) -> Tensor:
    """The class of the nearest training recording, by mean, deviation, least and largest of each channel.

    Args:
        train, test: recordings (time, features).
        classes: of the training recordings.
    """
    known, asked = (torch.stack([_statistics(values) for values in part]) for part in (train, test))
    mean, scale = known.mean(0), known.std(0, correction=0).clamp(min=1e-12)
    distances = torch.cdist((asked - mean) / scale, (known - mean) / scale)
    return torch.tensor(classes)[distances.argmin(1)]


def nearest_path(train: Sequence[Tensor], classes: Sequence[int], test: Sequence[Tensor]) -> Tensor:
    """The class of the nearest training drawing, by thirty-two points along the pen's whole path.

    Paths are compared point by point, with their centres on each other: the template matching of simple
    gesture recognisers (Wobbrock, Wilson and Li, 2007, without its rotations).

    Args:
        train, test: drawings (points, 2 or more) of x, y, ….
        classes: of the training drawings.
    """
    known, asked = (torch.stack([_path(rows[:, :2]) for rows in part]) for part in (train, test))
    found = [torch.cdist(some, known).argmin(1) for some in asked.split(256)]
    return torch.tensor(classes)[torch.cat(found)]


def _path(places: Tensor) -> Tensor:
    even = F.interpolate(places.T[None], size=32, mode="linear", align_corners=True)[0]
    return (even - even.mean(1, keepdim=True)).flatten()


def _statistics(values: Tensor) -> Tensor:
    values = values.double()
    return torch.cat([values.mean(0), values.std(0, correction=0), values.amin(0), values.amax(0)])
