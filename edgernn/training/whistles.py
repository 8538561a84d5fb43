"""Whistles, made from a seed: sounds to learn from where there are no recordings."""

from __future__ import annotations

import math
import random

import torch

from edgernn.training.sounds import Sound

# Name of a whistle → by which factor its pitch changes, about.
WHISTLES = {"fall": 1 / 2.5, "level": 1.0, "rise": 2.5}

# Name of a whistle of one pitch → its pitch in hertz, about.
PITCHES = {"low": 600.0, "middle": 1100.0, "high": 2000.0}


def make_whistles(count: int, seed: int, sample_rate: float) -> list[Sound]:
    """Each whistle by `count` people, who differ in pitch, speed, vibrato and breath."""
    drawn = random.Random(seed)
    return [
        _by(person, name, _whistle(drawn.uniform(900, 1700), change, drawn, sample_rate))
        for person in range(count)
        for name, change in WHISTLES.items()
    ]


def make_pitches(count: int, takes: int, seed: int, sample_rate: float) -> list[Sound]:
    """Whistles of one pitch, `takes` of each by `count` people, who agree on it within a tenth."""
    drawn = random.Random(seed)
    return [
        _by(person, name, _whistle(pitch * drawn.uniform(0.9, 1.1), 1.0, drawn, sample_rate))
        for _ in range(takes)
        for person in range(count)
        for name, pitch in PITCHES.items()
    ]


def make_trills(count: int, seed: int, sample_rate: float) -> list[Sound]:
    """Whistles between two pitches, which are none of the others, by so many people."""
    drawn = random.Random(seed)
    found = []
    for person in range(count):
        parts = [_whistle(drawn.uniform(900, 1700), 1.0, drawn, sample_rate) for _ in range(2)]
        length = min(map(len, parts))
        times = torch.arange(length) / sample_rate
        turn = (torch.sin(2 * math.pi * drawn.uniform(6, 12) * times) > 0).float()
        samples = parts[0][:length] * turn + parts[1][:length] * (1 - turn)
        found.append(_by(person, "trill", samples))
    return found


def _by(person: int, name: str, samples: torch.Tensor) -> Sound:
    return Sound(samples, name, f"whistler {person}", f"{name!r} by whistler {person}")


def _whistle(middle: float, change: float, drawn: random.Random, sample_rate: float) -> torch.Tensor:
    seconds = drawn.uniform(0.2, 0.5)
    t = torch.arange(round(seconds * sample_rate)) / sample_rate
    share = t / seconds
    factor = change * drawn.uniform(0.92, 1.08)
    pitch = middle * factor ** (share - 0.5)
    vibrato = 1 + drawn.uniform(0, 0.015) * torch.sin(2 * math.pi * drawn.uniform(4, 8) * t)
    phase = 2 * math.pi * torch.cumsum(pitch * vibrato, 0) / sample_rate
    breath = torch.randn(len(t), generator=torch.Generator().manual_seed(drawn.randrange(2**31)))
    loudness = drawn.uniform(0.2, 0.9) * torch.sin(math.pi * share).clamp(min=0).sqrt()
    return (loudness * (torch.sin(phase) + drawn.uniform(0, 0.1) * breath)).clamp(-1, 1)
