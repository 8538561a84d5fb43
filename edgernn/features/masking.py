"""SpecAugment: stretches of time and bands of frequency that training hides."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SpecAugment(nn.Module):
    """Hides one stretch of frames and one of bands of each recording, in training only.

    Source: Park et al. (2019), "SpecAugment", without time warping. What is hidden becomes 0, the mean of
    normalised features.

    Args:
        frames: most frames that are hidden.
        bands: most bands that are hidden.
    """

    def __init__(self, frames: int, bands: int) -> None:
        super().__init__()
        self.frames, self.bands = frames, bands

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, bands) → the same shape."""
        if not self.training or not (self.frames or self.bands):
            return x
        batch, time, bands = x.shape
        hidden = _stretch(batch, time, self.frames).unsqueeze(2) | _stretch(
            batch, bands, self.bands
        ).unsqueeze(1)
        return x.masked_fill(hidden.to(x.device), 0.0)


def _stretch(batch: int, length: int, most: int) -> Tensor:
    """(batch, length): True within one stretch of 0 to `most` places, anywhere."""
    width = torch.randint(0, min(most, length) + 1, (batch, 1))
    start = (torch.rand(batch, 1) * (length - width + 1)).long()
    places = torch.arange(length)
    return (places >= start) & (places < start + width)
