"""A two-stage LSTM denoiser on overlapped Fourier frames, streamed as it is.

After DTLN (Westhausen & Meyer, 2020): the first stage masks the spectrum of each frame, the second a learned
transform of the frames that come out, which are added up again with overlap. Overlap needs the future: an
output sample is complete once all frames that hold it are. The recipe `denoise` has one stage, and trains it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import edgernn
from edgernn.features.fourier import ShortTimeFourier

FRAME, HOP, HIDDEN, FILTERS = 64, 16, 32, 48


class SpectralDenoiser(nn.Module):
    """Waveform (batch, samples) → waveform (batch, samples)."""

    def __init__(self) -> None:
        super().__init__()
        self.fourier = ShortTimeFourier(FRAME, HOP)
        bins = self.fourier.bins
        self.first = nn.LSTM(bins, HIDDEN, batch_first=True)
        self.first_mask = nn.Linear(HIDDEN, bins)
        self.encoder = nn.Conv1d(FRAME, FILTERS, 1, bias=False)
        self.normalization = nn.LayerNorm(FILTERS)
        self.second = nn.LSTM(FILTERS, HIDDEN, batch_first=True)
        self.second_mask = nn.Linear(HIDDEN, FILTERS)
        self.decoder = nn.Conv1d(FILTERS, FRAME, 1, bias=False)

    def forward(self, samples: Tensor) -> Tensor:
        real, imaginary = self.fourier(samples)
        magnitude = (real * real + imaginary * imaginary + 1e-8).sqrt()
        hidden, _ = self.first(torch.log1p(magnitude))
        mask = torch.sigmoid(self.first_mask(hidden))
        frames = self.fourier.frames(real * mask, imaginary * mask)

        encoded = self.encoder(frames.transpose(1, 2)).transpose(1, 2)
        hidden, _ = self.second(self.normalization(encoded))
        masked = encoded * torch.sigmoid(self.second_mask(hidden))
        return self.fourier.add_up(self.decoder(masked.transpose(1, 2)).transpose(1, 2))


def main() -> None:
    torch.manual_seed(0)
    model = SpectralDenoiser().eval()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "denoiser.onnx"
        manifest = edgernn.export(
            model,
            path,
            torch.randn(1, 4000),
            streaming=True,
            lookahead=model.fourier.lookahead,
            metadata={"sample_rate": 16000},
        )
        print(f"states: {[state.meaning for state in manifest.states]}")
        print(f"a push takes a multiple of {manifest.hop} samples")
        print(f"the output comes {manifest.lookahead_steps} samples later")
        noisy = torch.randn(1, 4000)
        stream = edgernn.load(path).stream()
        parts = [stream.push(part.numpy()) for part in noisy.split(10 * HOP, dim=1)]
        streamed = np.concatenate(parts, axis=1)[:, manifest.outputs[0].delay :]
        whole = model(noisy).detach().numpy()[:, : streamed.shape[1]]
        difference = float(np.abs(streamed - whole).max())
        print(f"{streamed.shape[1]} samples streamed, they differ from the whole by {difference:.1e}")
        assert difference < 1e-4


if __name__ == "__main__":
    main()
