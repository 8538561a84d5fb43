"""A convolutional-recurrent keyword spotter, from waveform to scores, streamed as it is.

It is written for whole recordings. The front end (frames, Fourier transform, mel filters, logarithm) is part
of the network and of the exported file: an app pushes samples and gets scores.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import edgernn

RATE, FRAME, HOP, MELS, WORDS = 8000, 256, 80, 32, 12


def mel_filters(bands: int, bins: int, rate: int) -> Tensor:
    """(bins, bands): triangles, evenly spaced on the mel scale."""
    mel = torch.linspace(0, 2595 * np.log10(1 + rate / 2 / 700), bands + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    frequencies = torch.linspace(0, rate / 2, bins).unsqueeze(1)
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    return torch.minimum(rising, falling).clamp(min=0)


class KeywordSpotter(nn.Module):
    """Waveform (batch, samples) → word scores (batch, words) at the end of the recording."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(FRAME))
        self.register_buffer("mel", mel_filters(MELS, FRAME // 2 + 1, RATE))
        self.convolution = nn.Conv2d(1, 8, kernel_size=(5, 5), stride=(1, 2))
        self.normalization = nn.BatchNorm2d(8)
        self.gru = nn.GRU(8 * 14, 48, num_layers=2, batch_first=True)
        self.head = nn.Linear(48, WORDS)

    def forward(self, samples: Tensor) -> Tensor:
        frames = samples.unfold(1, FRAME, HOP) * self.window
        power = torch.fft.rfft(frames).abs().square()
        features = torch.log(power @ self.mel + 1e-5)
        image = F.pad(features.unsqueeze(1), (0, 0, 4, 0))  # past frames only
        image = F.relu(self.normalization(self.convolution(image)))
        y, _ = self.gru(image.transpose(1, 2).flatten(2))
        return self.head(y[:, -1]).log_softmax(-1)


def main() -> None:
    torch.manual_seed(0)
    model = KeywordSpotter().eval()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spotter.onnx"
        manifest = edgernn.export(
            model, path, torch.randn(1, RATE), streaming=True, metadata={"sample_rate": RATE}
        )
        print(f"states: {[state.meaning for state in manifest.states]}")
        print(f"a push takes a multiple of {manifest.hop} samples")
        print(f"look-ahead: {manifest.lookahead_steps} samples")
        recording = torch.randn(1, RATE)
        stream = edgernn.load(path).stream()
        scores = [stream.push(part.numpy()) for part in recording.split(HOP, dim=1)]
        whole = model(recording).detach().numpy()
        difference = float(np.abs(scores[-1][:, -1] - whole).max())
        print(f"after {len(scores)} pushes the scores differ from the whole recording's by {difference:.1e}")
        assert difference < 1e-4


if __name__ == "__main__":
    main()
