"""YIN, on tones whose pitch is known."""

from __future__ import annotations

import math

import pytest
import torch

from edgernn.errors import InputError
from edgernn.training.pitch import track_pitch

RATE = 8000


def tone(pitch: float, seconds: float = 0.5) -> torch.Tensor:
    t = torch.arange(round(seconds * RATE), dtype=torch.float64) / RATE
    return sum(torch.sin(2 * math.pi * pitch * k * t) / k for k in (1, 2, 3, 5)).float()


@pytest.mark.parametrize("pitch", [70.0, 111.5, 233.0, 371.3])
def test_a_tone_has_its_pitch(pitch: float) -> None:
    found, voiced = track_pitch(tone(pitch).unfold(0, 400, 100), RATE)
    assert voiced.all()
    assert (found / pitch - 1).abs().max() < 5e-3


def test_noise_is_unvoiced_and_gaps_are_bridged() -> None:
    torch.manual_seed(0)
    sound = torch.cat([tone(100.0), 0.3 * torch.randn(4000), tone(200.0), torch.zeros(4000)])
    found, voiced = track_pitch(sound.unfold(0, 400, 100), RATE)
    frames = [start // 100 for start in (4000, 8000, 12000)]
    assert voiced[: frames[0] - 4].all()
    assert voiced[frames[0] : frames[1] - 4].float().mean() < 0.2
    assert voiced[frames[1] : frames[2] - 4].all()
    assert not voiced[frames[2] :].any()
    gap = found[frames[0] : frames[1] - 4]
    assert float(gap.min()) > 60
    assert float(found[-1]) == pytest.approx(200.0, rel=0.02)


def test_silence_has_the_middle_of_the_limits() -> None:
    found, voiced = track_pitch(torch.zeros(6, 400), RATE, 100.0, 400.0)
    assert not voiced.any()
    assert found.tolist() == pytest.approx([200.0] * 6)


def test_frames_that_are_too_short_are_refused() -> None:
    with pytest.raises(InputError, match="too short for 60 Hz at 8000 Hz: 268 are needed"):
        track_pitch(torch.zeros(3, 200), RATE)
