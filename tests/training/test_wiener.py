"""Wiener's filter: noise is found without being told, and taken out."""

from __future__ import annotations

import pytest
import torch

from edgernn.features.fourier import ShortTimeFourier
from edgernn.training.metrics.speech import si_sdr
from edgernn.training.wiener import minimum_statistics, wiener

RATE = 8000.0


def speech() -> torch.Tensor:
    """Words and pauses, as far as a filter knows: a buzz that comes and goes."""
    times = torch.arange(3 * int(RATE)) / RATE
    buzz = sum(torch.sin(2 * torch.pi * 140 * n * times) / n for n in range(1, 20))
    return 0.1 * buzz * ((times % 0.8) < 0.4)  # type: ignore[no-any-return]


def gain(noise: torch.Tensor) -> float:
    clean, fourier = speech(), ShortTimeFourier(256, 128)
    noisy = clean + noise * clean.std() / noise.std()
    found = wiener(noisy, fourier, RATE)
    length = len(found) - fourier.lookahead
    ratios = [si_sdr(each[:length], clean[:length]) for each in (found, noisy)]
    return float(ratios[0] - ratios[1])


def test_noise_that_stays_is_taken_out() -> None:
    assert gain(torch.randn(3 * int(RATE))) > 5


def test_what_changes_as_speech_does_is_not() -> None:
    """The negative control: a filter that knew the speech would gain here too."""
    assert gain(speech().roll(1500)) < 1


def test_speech_without_noise_stays() -> None:
    fourier = ShortTimeFourier(256, 128)
    found = wiener(speech(), fourier, RATE)[:-128]
    # What does not change within a second is noise to it: where the buzz begins, it is late.
    assert float(si_sdr(found, speech()[: len(found)])) > 10


@pytest.mark.parametrize("power", [1e-4, 1.0])
def test_the_power_of_noise_is_found_below_speech(power: float) -> None:
    noise = power * torch.distributions.Exponential(1.0).sample((400, 65))
    noise[100:130] += 100 * power
    found = minimum_statistics(noise, 62.5)
    assert found.shape == noise.shape
    # Within 3 dB of the mean, also under what is 20 dB louder for half a second.
    assert 0.5 < float(found[50:350].mean() / power) < 2
