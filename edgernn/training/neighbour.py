"""The nearest recording by plain statistics: what a sensor classifier must beat."""

from __future__ import annotations

from collections.abc import Sequence

import torch
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


def _statistics(values: Tensor) -> Tensor:
    values = values.double()
    return torch.cat([values.mean(0), values.std(0, correction=0), values.amin(0), values.amax(0)])
