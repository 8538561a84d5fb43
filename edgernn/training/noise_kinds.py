"""Kinds of noise that are made from random numbers, by name: to learn from, and to be held out.

A kind is a function here that is marked by `@kind`: (samples, sample rate) → (samples,) of any loudness.
Random numbers come from torch's global generator. Times are in seconds, frequencies in hertz.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from edgernn.training.noises import coloured_noise

Kind = Callable[[int, float], Tensor]

KINDS: dict[str, Kind] = {}


def kind(make: Kind) -> Kind:
    """Mark a function as a kind of noise, under its name."""
    KINDS[make.__name__] = make
    return make


def uniform(low: float, high: float) -> float:
    """A random number between two."""
    return low + (high - low) * float(torch.rand(()))


def slow(samples: int, sample_rate: float, rate: float) -> Tensor:
    """(samples,) from 0 to 1 that changes about `rate` times a second, smoothly."""
    points = max(2, round(rate * samples / sample_rate) + 2)
    made: Tensor = F.interpolate(torch.rand(1, 1, points), samples, mode="linear", align_corners=True)[0, 0]
    return made


def filtered(noise: Tensor, decibels: Tensor) -> Tensor:
    """Noise whose spectrum is raised by so many decibels, at points evenly spaced from 0 to half the rate."""
    spectrum = torch.fft.rfft(noise)
    gains = F.interpolate(decibels[None, None], len(spectrum), mode="linear", align_corners=True)[0, 0]
    made: Tensor = torch.fft.irfft(spectrum * 10 ** (gains / 20), n=len(noise))
    return made


def harmonics(pitch: Tensor, sample_rate: float, count: int, decay: float) -> Tensor:
    """The sum of `count` harmonics of a pitch in hertz (samples,), the n-th n^−decay as loud, about."""
    phase = 2 * math.pi * torch.cumsum(pitch.double(), 0) / sample_rate
    total = torch.zeros(len(pitch))
    for n in range(1, count + 1):
        if n * float(pitch.max()) < sample_rate / 2:
            loudness = n**-decay * uniform(0.3, 1.0)
            total += loudness * torch.sin(n * phase + uniform(0, 2 * math.pi)).float()
    return total


def impulses(
    samples: int, sample_rate: float, rate: float, seconds: tuple[float, float], lowest: float, highest: float
) -> Tensor:
    """About `rate` short sounds a second, each a decaying tone of a random pitch and loudness."""
    total = torch.zeros(samples)
    for _ in range(max(1, int(torch.poisson(torch.tensor(rate * samples / sample_rate))))):
        length = max(2, round(sample_rate * uniform(*seconds)))
        t = torch.arange(length) / sample_rate
        pitch = uniform(lowest, min(highest, 0.45 * sample_rate))
        sound = torch.exp(-5 * t / t[-1]) * torch.sin(2 * math.pi * pitch * t + uniform(0, 6.28))
        start = int(torch.randint(samples, ()))
        part = sound[: samples - start]
        total[start : start + len(part)] += part * uniform(0.1, 1.0)
    return total


def level(noise: Tensor) -> Tensor:
    """The same noise with a standard deviation of 1."""
    return noise / noise.std().clamp(min=1e-9)


@kind
def white(samples: int, sample_rate: float) -> Tensor:
    """As loud at all frequencies."""
    return coloured_noise(samples, 0.0)


@kind
def pink(samples: int, sample_rate: float) -> Tensor:
    """As loud in every octave."""
    return coloured_noise(samples, 1.0)


@kind
def brown(samples: int, sample_rate: float) -> Tensor:
    """A random walk: mostly low."""
    return coloured_noise(samples, 2.0)


@kind
def room(samples: int, sample_rate: float) -> Tensor:
    """Steady noise of a random spectrum: ventilation, machines far away."""
    noise = coloured_noise(samples, uniform(0.0, 2.0))
    return filtered(noise, uniform(4, 14) * torch.randn(int(torch.randint(4, 25, ()))))


@kind
def waves(samples: int, sample_rate: float) -> Tensor:
    """Noise of a random spectrum that swells and falls: cars that pass, wind, surf."""
    total = torch.zeros(samples)
    for _ in range(int(torch.randint(1, 4, ()))):
        swell = slow(samples, sample_rate, uniform(0.3, 6)) ** uniform(1, 4)
        total += level(room(samples, sample_rate)) * swell
    return total


@kind
def hum(samples: int, sample_rate: float) -> Tensor:
    """Mains and transformers: harmonics of a fixed low pitch over some hiss."""
    tones = harmonics(torch.full((samples,), uniform(45, 130)), sample_rate, 20, uniform(0.3, 1.5))
    return level(tones) + uniform(0.02, 0.3) * coloured_noise(samples, uniform(0, 1))


@kind
def fan(samples: int, sample_rate: float) -> Tensor:
    """A fan: noise that beats with its blades, and their tone."""
    pitch = torch.full((samples,), uniform(60, 400))
    beat = 1 + uniform(0.1, 0.8) * torch.sin(2 * math.pi * torch.cumsum(pitch, 0) / sample_rate / 6)
    tone = harmonics(pitch, sample_rate, 5, 1.0)
    return level(room(samples, sample_rate)) * beat + uniform(0.1, 1.0) * level(tone)


@kind
def clicks(samples: int, sample_rate: float) -> Tensor:
    """Typing, dishes, steps: single short sounds over a quiet room."""
    sounds = impulses(samples, sample_rate, uniform(3, 25), (0.005, 0.08), 200, 4000)
    return level(sounds) + uniform(0.05, 0.4) * level(room(samples, sample_rate))


@kind
def beeps(samples: int, sample_rate: float) -> Tensor:
    """Tones that come and go: telephones, appliances, a flute."""
    total, at = torch.zeros(samples), 0
    while at < samples:
        length = min(samples - at, max(1, round(sample_rate * uniform(0.05, 0.6))))
        if uniform(0, 1) < 0.7:
            pitch = torch.full((length,), uniform(200, 0.4 * sample_rate))
            total[at : at + length] = harmonics(pitch, sample_rate, 3, uniform(0.5, 2)) * uniform(0.3, 1)
        at += length
    return total + uniform(0.02, 0.2) * coloured_noise(samples, 1.0)


@kind
def engine(samples: int, sample_rate: float) -> Tensor:
    """A motor: many harmonics of a low pitch that speeds up and slows down, over a rumble."""
    pitch = uniform(22, 70) * (1 + 0.5 * slow(samples, sample_rate, uniform(0.3, 1.5)))
    strokes = harmonics(pitch, sample_rate, 40, uniform(0.4, 1.0))
    return level(strokes) + uniform(0.3, 1.0) * coloured_noise(samples, uniform(1.0, 2.0))


@kind
def rain(samples: int, sample_rate: float) -> Tensor:
    """Rain on a roof: hundreds of drops a second over a hiss."""
    drops = impulses(samples, sample_rate, uniform(150, 500), (0.002, 0.015), 600, 6000)
    return level(drops) + uniform(0.2, 0.8) * coloured_noise(samples, uniform(-0.5, 0.5))


@kind
def siren(samples: int, sample_rate: float) -> Tensor:
    """A siren: a few harmonics whose pitch sweeps up and down, over a street."""
    t = torch.arange(samples) / sample_rate
    swing = torch.sin(2 * math.pi * uniform(0.3, 3) * t + uniform(0, 2 * math.pi))
    pitch = uniform(600, 900) * 2 ** (uniform(0.2, 0.8) * swing)
    tones = harmonics(pitch, sample_rate, 4, uniform(0.8, 2))
    return level(tones) + uniform(0.05, 0.4) * coloured_noise(samples, uniform(0.5, 1.5))
