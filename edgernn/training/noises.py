"""Backgrounds that recordings are mixed with: coloured noise, or recorded rooms.

Random numbers come from torch's global generator, which training seeds anew for each epoch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

# Power falls with 1 / frequency^exponent: white, pink and brown noise.
COLOURS = (0.0, 1.0, 2.0)


def coloured_noise(samples: int, exponent: float) -> Tensor:
    """(samples,) of standard deviation 1 whose power spectrum falls with 1 / frequency^exponent."""
    spectrum = torch.fft.rfft(torch.randn(samples))
    frequencies = torch.arange(len(spectrum)).clamp(min=1)
    shaped = torch.fft.irfft(spectrum * frequencies.float() ** (-exponent / 2), n=samples)
    noise: Tensor = (shaped - shaped.mean()) / shaped.std().clamp(min=1e-9)
    return noise


def background(samples: int, recordings: Sequence[Tensor] = ()) -> Tensor:
    """(samples,) of standard deviation 1: a stretch of a recording, or noise of any colour.

    Args:
        samples: how many.
        recordings: backgrounds, each (samples,); half of the time one of them is taken, where there are any.
    """
    if recordings and float(torch.rand(())) < 0.5:
        part = stretch(recordings, samples)
        return part / part.std().clamp(min=1e-9) if samples > 1 else part
    return coloured_noise(samples, COLOURS[int(torch.randint(len(COLOURS), ()))])


def stretch(recordings: Sequence[Tensor], samples: int) -> Tensor:
    """(samples,) of one of the recordings, which is repeated where it is shorter."""
    recording = recordings[int(torch.randint(len(recordings), ()))]
    recording = recording.repeat(-(-samples // len(recording)))
    start = int(torch.randint(len(recording) - samples + 1, ()))
    return recording[start : start + samples]


def mix(speech: Tensor, noise: Tensor, decibels: float, *, pauses: bool = False) -> Tensor:
    """Speech with noise so loud that the powers of both are `decibels` apart.

    Speech's power is that over where it is not 0, or with `pauses` over all of it.
    """
    spoken = speech if pauses else speech[speech != 0]
    power = float(spoken.square().mean()) if len(spoken) else 0.0
    gain = math.sqrt(power / 10 ** (decibels / 10) / max(float(noise.square().mean()), 1e-12))
    return speech + gain * noise
