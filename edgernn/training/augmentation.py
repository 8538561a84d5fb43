"""Random changes of a sequence that leave its label as it is, and the options of recipes that use them.

Random numbers come from torch's global generator, which training seeds anew for each epoch, so a resumed run
draws those that it would have drawn. A change that is off draws none and gives back what it got. `values` is
(time, …) throughout; what mixes two sequences, with their labels, is in `mix_up.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from edgernn.training.options import option

# Time steps that a signal keeps at least when it is made shorter.
_SHORTEST = 8


@dataclass(frozen=True)
class StepAugmentation:
    """Options of a recipe whose sequences may lose time steps; inherited beside its other options."""

    drop_steps: float = option(
        0.0, "Largest share of time steps that training leaves out, here and there.", minimum=0, below=1
    )
    mask_steps: float = option(
        0.0, "Largest share of time steps that training hides, in one piece.", minimum=0, below=1
    )


@dataclass(frozen=True)
class SignalAugmentation(StepAugmentation):
    """Options of a recipe whose sequences are signals; inherited beside its other options."""

    crop: float = option(0.0, "Largest share of a signal that training cuts off.", minimum=0, below=1)
    stretch: float = option(0.0, "Largest change of speed in training, as a share.", minimum=0, below=1)
    rescale: float = option(0.0, "Spread of gain and offset that training draws anew.", minimum=0)
    noise: float = option(0.0, "Noise that training adds, in standard deviations.", minimum=0)
    mix_up: float = option(
        0.0, "Strength with which training mixes two signals and their labels, e.g. 0.2.", minimum=0
    )


def signal_augmentation(options: SignalAugmentation, values: Tensor) -> Callable[[Tensor], Tensor]:
    """What training does to a signal: all of the options but mix-up, which takes a batch.

    Args:
        options: how much of each.
        values: (time, features), all signals of the training part, one after the other.
    """
    mean, scale = values.mean(0), values.std(0, correction=0)

    def augment(values: Tensor) -> Tensor:
        values = stretch(drop_steps(crop(values, options.crop), options.drop_steps), options.stretch)
        values = add_noise(rescale(values, options.rescale, scale), options.noise, scale)
        return mask_steps(values, options.mask_steps, mean)

    return augment


def crop(values: Tensor, share: float, shortest: int = _SHORTEST) -> Tensor:
    """Cut up to `share` of the time steps off, at both ends together."""
    if not share:
        return values
    kept = _kept(len(values), share, shortest)
    start = int(torch.randint(0, len(values) - kept + 1, ()))
    return values[start : start + kept]


def drop_steps(values: Tensor, share: float, shortest: int = _SHORTEST) -> Tensor:
    """Leave up to `share` of the time steps out, each as likely as any other; the rest keeps its order."""
    if not share:
        return values
    kept = _kept(len(values), share, shortest)
    return values[torch.randperm(len(values))[:kept].sort().values]


def mask_steps(values: Tensor, share: float, fill: Tensor | int) -> Tensor:
    """Hide up to `share` of the time steps, one after the other, behind `fill` (Park et al. 2019).

    Args:
        values: the sequence; it stays as long as it is.
        share: of its steps.
        fill: what says nothing: the mean of a signal, a symbol that stands for no other.
    """
    if not share:
        return values
    hidden = len(values) - _kept(len(values), share, 1)
    start = int(torch.randint(0, len(values) - hidden + 1, ()))
    masked = values.clone()
    masked[start : start + hidden] = fill
    return masked


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


class NoisyInputs(Dataset):
    """Samples of another data set, with new noise on the first of their tensors every time.

    Args:
        samples: gives tuples of tensors, one sample's or a batch's.
        spread: standard deviation of the noise, in units of `scale`.
        scale: (features,).
    """

    def __init__(self, samples: Dataset, spread: float, scale: Tensor) -> None:
        self.samples, self.spread, self.scale = samples, spread, scale

    def __len__(self) -> int:
        return len(cast(Sized, self.samples))

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        first, *rest = self.samples[index]
        return add_noise(first, self.spread, self.scale), *rest


def _kept(steps: int, share: float, shortest: int) -> int:
    """How many of `steps` are left of a random part of at least `shortest`."""
    return max(min(shortest, steps), round(steps * (1 - share * float(torch.rand(())))))
