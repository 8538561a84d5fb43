"""Ten spoken digits from the waveform: accuracy on the official test set of the Free Spoken Digit Dataset.

Recordings are read from `fsdd/recordings`: DIGIT_SPEAKER_TAKE.wav at 8 kHz; takes 0 to 4 are the test set.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from edgernn.runtime import Session
from schemes import Task

METRIC, HIGHER_IS_BETTER = "accuracy", True
RATE, FRAME, HOP, MELS, SAMPLES = 8000, 256, 80, 32, 8000
HIDDEN, EPOCHS, BATCH = 128, 12, 64


class Spotter(nn.Module):
    """Waveform (batch, samples) → scores of the digits (batch, frames, 10); log-mel frames in the network."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(FRAME))
        self.register_buffer("mel", mel_filters())
        self.normalization = nn.BatchNorm1d(MELS)
        self.gru = nn.GRU(MELS, HIDDEN, num_layers=2, batch_first=True)
        self.head = nn.Linear(HIDDEN, 10)

    def forward(self, samples: Tensor) -> Tensor:
        """See the class."""
        frames = samples.unfold(1, FRAME, HOP) * self.window
        power = torch.fft.rfft(frames).abs().square()
        features = torch.log(power @ self.mel + 1e-4)
        y, _ = self.gru(self.normalization(features.transpose(1, 2)).transpose(1, 2))
        return self.head(y)


def mel_filters() -> Tensor:
    """(bins, bands): triangles, evenly spaced on the mel scale (O'Shaughnessy, 1987)."""
    edges = 700 * (10 ** (torch.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), MELS + 2) / 2595) - 1)
    frequencies = torch.linspace(0, RATE / 2, FRAME // 2 + 1).unsqueeze(1)
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    return torch.minimum(rising, falling).clamp(min=0)


def prepare(data: Path, seed: int) -> Task:
    """Train the spotter on takes 5 to 49."""
    folder = data / "fsdd" / "recordings"
    files = sorted(folder.glob("*_*_*.wav"))
    if not files:
        raise SystemExit(f"no recordings in {folder}; name the folder that holds fsdd with --data")
    takes = [int(file.stem.split("_")[2]) for file in files]
    sounds = np.stack([read(file) for file in files])
    labels = np.array([int(file.stem[0]) for file in files])
    test = np.array(takes) < 5
    model = train(torch.from_numpy(sounds[~test]), torch.from_numpy(labels[~test]), seed)

    def score(session: Session) -> float:
        found = session.run(sounds[test])
        assert isinstance(found, np.ndarray)
        return float((found[:, -1].argmax(-1) == labels[test]).mean())

    about = f"GRU 2 × {HIDDEN} on log-mel, {int((~test).sum())} recordings; {int(test.sum())} to test"
    return Task(model, torch.from_numpy(sounds[~test][:1]), sounds[~test][:64], score, about)


def read(file: Path) -> np.ndarray:
    """A second of a recording, silence before and after it, loudest at 1."""
    with wave.open(str(file)) as source:
        assert (source.getframerate(), source.getnchannels(), source.getsampwidth()) == (RATE, 1, 2)
        sound = np.frombuffer(source.readframes(source.getnframes()), "<i2").astype(np.float32)
    sound = sound[:SAMPLES] / max(1.0, float(np.abs(sound).max()))
    before = (SAMPLES - len(sound)) // 2
    return np.pad(sound, (before, SAMPLES - len(sound) - before))


def train(sounds: Tensor, labels: Tensor, seed: int) -> Spotter:
    """Cross-entropy of the last frame; each recording is moved, made louder or softer, and given noise."""
    torch.manual_seed(seed)
    model = Spotter()
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=1e-2)
    steps = EPOCHS * -(-len(sounds) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(sounds)).split(BATCH):
            x = sounds[rows]
            shifts = torch.randint(-1200, 1201, (len(x), 1))
            x = x.gather(1, (torch.arange(SAMPLES) - shifts) % SAMPLES)
            x = x * torch.empty(len(x), 1).uniform_(0.3, 1.0)
            x = x + torch.randn_like(x) * torch.empty(len(x), 1).uniform_(0, 0.01)
            loss = nn.functional.cross_entropy(model(x)[:, -1], labels[rows], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return model.eval()
