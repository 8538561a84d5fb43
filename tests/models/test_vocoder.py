"""Vocoder: tones of the pitch, noise of the envelope, and streams of both."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import edgernn
from edgernn.errors import InputError
from edgernn.models.vocoder import Vocoder

RATE, HOP, BANDS = 8000.0, 100, 4


def vocoder(voice: float = -3.0, breath: float = -16.0, harmonics: int = 3) -> Vocoder:
    """One whose envelopes are level, whatever the spectrum."""
    torch.manual_seed(0)
    made = Vocoder(BANDS, RATE, HOP, harmonics, points=8, hidden_size=5).eval()
    with torch.no_grad():
        made.head.weight.zero_()
        made.head.bias[: made.points] = voice
        made.head.bias[made.points :] = breath
    return made


def inputs(frames: int, pitch: float = 200.0, batch: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(1)
    noise = torch.randn(batch, frames, 2 * (HOP + 1))
    return torch.randn(batch, frames, BANDS), torch.full((batch, frames, 1), pitch), noise


@torch.no_grad()
def test_the_harmonics_of_a_level_pitch_are_sines() -> None:
    mel, pitch, noise = inputs(20)
    found = vocoder()(mel, pitch, torch.zeros_like(noise))[0, 2 * HOP :].double()
    # In the first frame the pitch rises from 0: half of its cycles pass.
    t = torch.arange(1, 20 * HOP + 1).double()[2 * HOP :] - HOP / 2
    loud = math.exp(-3.0)
    expected = sum(loud * torch.sin(2 * math.pi * 200.0 * k * t / RATE) for k in (1, 2, 3))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    # Negative control: another pitch is another sound.
    other = vocoder()(mel, pitch * 1.01, torch.zeros_like(noise))[0, 2 * HOP :].double()
    assert (other - expected).abs().max() > 0.1 * loud


@torch.no_grad()
def test_harmonics_end_at_half_the_sample_rate() -> None:
    mel, pitch, noise = inputs(20, pitch=1900.0)
    found = vocoder(harmonics=6)(mel, pitch, torch.zeros_like(noise))[0, 2 * HOP :]
    spectrum = torch.fft.rfft(found * torch.hann_window(len(found))).abs()
    peaks = (spectrum > 0.1 * spectrum.max()).nonzero()[:, 0] * RATE / len(found)
    near = {round(float(peak) / 1900) for peak in peaks}
    assert near == {1, 2}


@torch.no_grad()
def test_another_pitch_keeps_the_envelope() -> None:
    """A tone of 600 Hz is as loud as the third harmonic of 200 Hz as it is as the second one of 300 Hz."""
    made = vocoder(harmonics=3)
    made.head.bias[: made.points] = torch.linspace(-2.0, -5.0, made.points)
    mel, _, noise = inputs(40)

    def loudness(pitch: float, at: float) -> float:
        found = made(mel, torch.full((1, 40, 1), pitch), torch.zeros_like(noise))[0, -3200:]
        spectrum = torch.fft.rfft(found * torch.hann_window(3200)).abs() * 4 / 3200
        return float(spectrum[round(at * 3200 / RATE)])

    assert loudness(200.0, 600.0) == pytest.approx(loudness(300.0, 600.0), rel=1e-2)
    assert loudness(300.0, 600.0) < 0.9 * loudness(300.0, 300.0)


@torch.no_grad()
def test_noise_has_the_variance_that_its_envelope_says() -> None:
    mel, pitch, noise = inputs(400)
    found = vocoder(voice=-16.0, breath=-2.0)(mel, pitch, noise)[0, 2 * HOP :]
    assert float(found.std()) == pytest.approx(math.exp(-2.0), rel=0.05)
    first, last = found[: len(found) // 2], found[len(found) // 2 :]
    assert float(first.std()) == pytest.approx(float(last.std()), rel=0.05)


@torch.no_grad()
def test_what_is_said_does_not_depend_on_what_comes() -> None:
    mel, pitch, noise = inputs(12)
    torch.manual_seed(3)
    made = Vocoder(BANDS, RATE, HOP, 3, points=8, hidden_size=5).eval()
    whole = made(mel, pitch, noise)
    torch.testing.assert_close(made(mel[:, :7], pitch[:, :7], noise[:, :7]), whole[:, : 7 * HOP])


@pytest.mark.slow
def test_a_stream_is_the_whole_and_forgets_nothing_in_an_hour(tmp_path: Path) -> None:
    torch.manual_seed(3)
    made = Vocoder(BANDS, RATE, HOP, 3, points=8, hidden_size=5).eval()
    mel, pitch, noise = inputs(20, batch=2)
    pitch = pitch + 40 * torch.rand_like(pitch)
    edgernn.export(made, tmp_path / "v.onnx", (mel, pitch, noise), streaming=True)
    session = edgernn.load(tmp_path / "v.onnx")
    (sums,) = (state for state in session.manifest.states if "sum" in state.input)
    stream = session.stream(2)
    parts = [
        stream.push(*(x[:, a:b].numpy() for x in (mel, pitch, noise))) for a, b in ((0, 3), (3, 4), (4, 20))
    ]
    with torch.no_grad():
        whole = made(mel, pitch, noise).numpy()
    np.testing.assert_allclose(np.concatenate([np.asarray(part) for part in parts], axis=1), whole, atol=1e-5)
    # A million whole cycles later it says the same; in float32 a sixteenth of a cycle would be lost.
    states = stream.states
    later = {**states, sums.input: states[sums.input] + 1_000_000}
    again, much_later = (
        np.asarray(session.run(*(x[:, :5].numpy() for x in (mel, pitch, noise)), states=start))
        for start in (states, later)
    )
    np.testing.assert_allclose(much_later, again, atol=1e-5)
    off = {**states, sums.input: states[sums.input] + 0.0625}
    moved = np.asarray(session.run(*(x[:, :5].numpy() for x in (mel, pitch, noise)), states=off))
    assert np.abs(moved - again).max() > 1e-3


def test_bad_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="harmonics"):
        Vocoder(BANDS, harmonics=0)
