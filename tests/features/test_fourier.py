"""Spectra of overlapped frames: torch's own, and back to the same waveform, sample by sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import edgernn
from edgernn.errors import InputError
from edgernn.features.fourier import ShortTimeFourier

SIZES = [(64, 32), (64, 16), (96, 32), (30, 10)]


class Round(torch.nn.Module):
    """There and back, so that its export can be looked at."""

    def __init__(self, frame: int, hop: int) -> None:
        super().__init__()
        self.fourier = ShortTimeFourier(frame, hop)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        return self.fourier.inverse(*self.fourier(samples))


@pytest.mark.parametrize(("frame", "hop"), SIZES)
def test_spectra_are_those_of_torch(frame: int, hop: int) -> None:
    samples = torch.randn(2, 20 * hop)
    real, imaginary = ShortTimeFourier(frame, hop)(samples)
    window = torch.hann_window(frame).sqrt()
    padded = torch.nn.functional.pad(samples, (frame - hop, 0))
    expected = torch.stft(padded, frame, hop, window=window, center=False, return_complex=True).transpose(
        1, 2
    )
    torch.testing.assert_close(torch.complex(real, imaginary), expected, atol=2e-5, rtol=0)


@pytest.mark.parametrize(("frame", "hop"), SIZES)
def test_unchanged_spectra_give_the_waveform_back(frame: int, hop: int) -> None:
    samples = torch.randn(2, 20 * hop)
    found = Round(frame, hop)(samples)
    assert found.shape == samples.shape
    complete = found.shape[1] - (frame - hop)
    torch.testing.assert_close(found[:, :complete], samples[:, :complete], atol=2e-6, rtol=0)
    # What no frame has added to yet is not the waveform: the end is not cut off too generously above.
    assert float((found[:, -1] - samples[:, -1]).abs().max()) > 1e-3


def test_another_window_would_be_noticed() -> None:
    there = Round(64, 32)
    there.fourier.synthesis *= torch.hann_window(64)
    samples = torch.randn(1, 640)
    assert float((there(samples) - samples)[:, :600].abs().max()) > 0.1


def test_a_stream_of_it_gives_the_waveform_back_a_frame_later(tmp_path: Path) -> None:
    frame, hop = 64, 16
    model = Round(frame, hop).eval()
    samples = torch.randn(2, 40 * hop)
    manifest = edgernn.export(
        model, tmp_path / "f.onnx", samples, streaming=True, lookahead=model.fourier.lookahead
    )
    assert (manifest.lookahead_steps, manifest.latency_steps) == (frame - hop, frame - 1)
    stream = edgernn.load(tmp_path / "f.onnx").stream(2)
    parts = [stream.push(part) for part in np.split(samples.numpy(), [hop, 7 * hop, 8 * hop], axis=1)]
    streamed = np.concatenate(parts, axis=1)[:, manifest.outputs[0].delay :]
    np.testing.assert_allclose(streamed, samples[:, : streamed.shape[1]], atol=1e-5)


@pytest.mark.parametrize(
    ("frame", "hop", "said"),
    [(64, 0, "hop must be"), (64, 64, "2, 3, 4"), (64, 24, "2, 3, 4"), (33, 11, "even"), (True, 1, "frame")],
)
def test_what_does_not_add_up_is_refused(frame: int, hop: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        ShortTimeFourier(frame, hop)


class ByTorch(torch.nn.Module):
    """The same by torch.fft, as users write it."""

    def __init__(self, frame: int, hop: int) -> None:
        super().__init__()
        self.frame, self.hop = frame, hop
        self.register_buffer("window", torch.hann_window(frame).sqrt())
        self.register_buffer("overlap", torch.eye(frame).unsqueeze(1))

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        spectra = torch.fft.rfft(samples.unfold(1, self.frame, self.hop) * self.window)
        frames = torch.fft.irfft(spectra * torch.sigmoid(spectra.abs()), n=self.frame) * self.window
        joined = torch.nn.functional.conv_transpose1d(frames.transpose(1, 2), self.overlap, stride=self.hop)
        return joined.squeeze(1)


def test_torch_s_own_transforms_stream_too(tmp_path: Path) -> None:
    model, samples = ByTorch(32, 16).eval(), torch.randn(1, 16 * 20)
    manifest = edgernn.export(model, tmp_path / "f.onnx", samples, streaming=True, lookahead=16, check=False)
    stream = edgernn.load(tmp_path / "f.onnx").stream()
    parts = [stream.push(part) for part in np.split(samples.numpy(), [16, 16 * 7], axis=1)]
    streamed = np.concatenate(parts, axis=1)[:, manifest.outputs[0].delay :]
    np.testing.assert_allclose(streamed, model(samples)[:, : streamed.shape[1]], atol=1e-5)
