"""Random changes of a recording that leave its label as it is.

Random numbers come from torch's global generator, which training seeds anew for each epoch. `values` is
(time, features) throughout.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# Time steps that a cropped or stretched recording keeps at least.
_SHORTEST = 8


def crop(values: Tensor, share: float) -> Tensor:
    """Cut up to `share` of the time steps off, at both ends together."""
    steps = len(values)
    kept = max(min(_SHORTEST, steps), round(steps * (1 - share * float(torch.rand(())))))
    start = int(torch.randint(0, steps - kept + 1, ()))
    return values[start : start + kept]


def stretch(values: Tensor, share: float) -> Tensor:
    """Play it faster or slower by up to `share`, with values between samples on the line between them."""
    if not share:
        return values
    steps = max(min(_SHORTEST, len(values)), round(len(values) * (1 + share * float(2 * torch.rand(()) - 1))))
    played: Tensor = F.interpolate(values.T[None], size=steps, mode="linear", align_corners=True)
    return played[0].T


def rescale(values: Tensor, spread: float, scale: Tensor) -> Tensor:
    """Another gain and offset for each channel.

    Args:
        values: the recording.
        spread: standard deviation of the gain, and of the offset in units of `scale`.
        scale: (features,), standard deviation of the channels.
    """
    if not spread:
        return values
    gain, offset = (spread * torch.randn(2, values.shape[1])).unbind()
    return values * (1 + gain) + offset * scale


def add_noise(values: Tensor, spread: float, scale: Tensor) -> Tensor:
    """Add normal noise, of standard deviation `spread` in units of `scale`."""
    if not spread:
        return values
    return values + spread * scale * torch.randn_like(values)
