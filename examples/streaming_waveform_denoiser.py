"""A GRU between a strided convolutional encoder and a transposed-convolution decoder with skip connections,
after DEMUCS for speech (Défossez et al., 2020), on the waveform, streamed as it is.
"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import edgernn

CHANNELS, KERNEL, STRIDE = (1, 12, 24, 32), 8, 4


class WaveformDenoiser(nn.Module):
    """Waveform (batch, samples) → waveform (batch, samples)."""

    def __init__(self) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(CHANNELS))
        self.encoders = nn.ModuleList(
            nn.Sequential(nn.Conv1d(a, b, KERNEL, STRIDE), nn.ReLU(), nn.Conv1d(b, 2 * b, 1), nn.GLU(dim=1))
            for a, b in pairs
        )
        self.gru = nn.GRU(CHANNELS[-1], CHANNELS[-1], num_layers=2, batch_first=True)
        self.decoders = nn.ModuleList(nn.ConvTranspose1d(b, a, KERNEL, STRIDE) for a, b in reversed(pairs))

    def forward(self, samples: Tensor) -> Tensor:
        x = samples.unsqueeze(1)
        skips = []
        for encoder in self.encoders:
            x = encoder(F.pad(x, (KERNEL - STRIDE, 0)))  # past samples only
            skips.append(x)
        y, _ = self.gru(x.transpose(1, 2))
        x = y.transpose(1, 2)
        for decoder, skip in zip(self.decoders, reversed(skips), strict=True):
            x = decoder(x + skip)[..., : STRIDE - KERNEL]  # without what later frames would add to
            if decoder is not self.decoders[-1]:
                x = F.relu(x)
        return x.squeeze(1)


def main() -> None:
    torch.manual_seed(0)
    model = WaveformDenoiser().eval()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "denoiser.onnx"
        manifest = edgernn.export(
            model, path, torch.randn(1, 6400), streaming=True, metadata={"sample_rate": 16000}
        )
        print(f"states: {[state.meaning for state in manifest.states]}")
        print(f"a push takes a multiple of {manifest.hop} samples")
        print(f"look-ahead: {manifest.lookahead_steps} samples")
        noisy = torch.randn(1, 6400)
        stream = edgernn.load(path).stream()
        parts = [stream.push(part.numpy()) for part in noisy.split(manifest.hop, dim=1)]
        streamed = np.concatenate(parts, axis=1)
        difference = float(np.abs(streamed - model(noisy).detach().numpy()).max())
        print(f"{len(parts)} pushes; the stream differs from the whole by {difference:.1e}")
        assert difference < 1e-4


if __name__ == "__main__":
    main()
