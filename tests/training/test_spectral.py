"""The distance of sounds."""

from __future__ import annotations

import math

import torch

from edgernn.training.spectral import spectral_distance


def tone(pitch: float, phase: float = 0.0, loud: float = 1.0) -> torch.Tensor:
    t = torch.arange(4000) / 8000
    return loud * torch.sin(2 * math.pi * pitch * t + phase)[None]


def test_pitch_and_loudness_count_and_the_phase_hardly() -> None:
    truth = tone(440.0)
    assert float(spectral_distance(truth, truth)) == 0.0
    phase, loud, pitch = (
        float(spectral_distance(other, truth))
        for other in (tone(440.0, 1.0), tone(440.0, loud=0.5), tone(600.0))
    )
    assert phase < 0.2 * loud < 0.5 * pitch


def test_silence_has_a_gradient() -> None:
    found = torch.zeros(1, 4000, requires_grad=True)
    spectral_distance(found, tone(440.0)).backward()
    assert found.grad is not None
    assert bool(torch.isfinite(found.grad).all())
