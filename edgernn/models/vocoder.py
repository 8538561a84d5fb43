"""Vocoder: the waveform of mel spectra and a pitch, as harmonics of the pitch and shaped noise.

Source: Engel et al. (2020), "DDSP: differentiable digital signal processing"; Serra and Smith (1990),
"Spectral modeling synthesis".
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.layers import Recurrent
from edgernn.models.named import cell_type, check_sizes

# Logarithms of amplitudes: where they begin, and how far they may go, so that one wild frame stays finite.
_QUIET, _LEAST, _MOST = -6.0, -16.0, 3.0


class Vocoder(nn.Module):
    """A waveform, `hop` samples a frame, of log-mel spectra, pitches and noise.

    A recurrent network gives every frame the envelope of the voice and that of its noise, as logarithms at
    points that are evenly spaced on the mel scale. The k-th harmonic of the pitch is as loud as the voice's
    envelope is at its frequency, so that another pitch keeps the vowels; above half the sample rate there is
    none. Pitch and loudness go in straight lines from one frame to the next. Noise is shaped in the frequency
    domain and overlapped by half.

        h = recurrent(mel),  v, n = exp(W h + b)
        s(t) = Σ_k v(k f(t)) sin(2π k φ(t)) + overlap-add of basis · (n ⊙ noise),   φ' = f / sample rate

    What is random is an input, so that the same inputs always give the same waveform.

    Args:
        bands: of the spectra.
        sample_rate: samples a second.
        hop: samples a frame.
        harmonics: how many; with fewer than sample_rate / 2 / pitch the highest tones are noise alone.
        points: of each envelope.
        hidden_size: size of the recurrent layer.
        cell: name of a cell in `edgernn.cells`, in any case.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> vocoder = Vocoder(bands=40, sample_rate=16000, hop=200)
        >>> noise = torch.randn(1, 30, vocoder.noise_size)
        >>> vocoder(torch.randn(1, 30, 40), torch.full((1, 30, 1), 120.0), noise).shape
        torch.Size([1, 6000])
    """

    noise_points: Tensor
    basis: Tensor

    def __init__(
        self,
        bands: int,
        sample_rate: float = 16000,
        hop: int = 200,
        harmonics: int = 80,
        points: int = 48,
        hidden_size: int = 128,
        cell: str = "gru",
    ) -> None:
        super().__init__()
        check_sizes("Vocoder", bands=bands, hop=hop, harmonics=harmonics, points=points)
        self.bands, self.sample_rate, self.hop = bands, sample_rate, hop
        self.harmonics, self.points = harmonics, points
        self.recurrent = Recurrent(cell_type(cell)(bands, hidden_size))
        self.head = nn.Linear(hidden_size, 2 * points)
        nn.init.constant_(self.head.bias, _QUIET)
        frequencies = torch.arange(hop + 1, dtype=torch.float64) * sample_rate / (2 * hop)
        # Fixed by the arguments: no part of the weights' file.
        points_of_noise = self._weights(frequencies.float()).repeat(2, 1).T
        self.register_buffer("noise_points", points_of_noise, persistent=False)
        self.register_buffer("basis", _basis(hop), persistent=False)

    @property
    def noise_size(self) -> int:
        """Random numbers a frame, of mean 0 and variance 1."""
        return 2 * (self.hop + 1)

    def forward(self, mel: Tensor, pitch: Tensor, noise: Tensor) -> Tensor:
        """Speak.

        Args:
            mel: (batch, frames, bands), normalised logarithms of the bands' energies.
            pitch: (batch, frames, 1) in hertz, in every frame, voiced or not.
            noise: (batch, frames, noise_size), drawn from the normal distribution.

        Returns:
            (batch, frames × hop) samples. Frame n is what leads from frame n - 1 to it.
        """
        hidden, _ = self.recurrent(mel)
        loudness = self.head(hidden).clamp(_LEAST, _MOST).exp()
        voice, breath = loudness.split(self.points, dim=-1)
        voiced = self._voiced(voice, pitch.clamp(1.0, self.sample_rate / 4))
        shaped = torch.matmul(breath, self.noise_points) * noise
        frames = torch.cat([voiced, shaped], dim=-1).transpose(1, 2)
        made = F.conv_transpose1d(frames, self.basis, stride=self.hop)
        return made[:, 0, : -self.hop]

    def _voiced(self, voice: Tensor, pitch: Tensor) -> Tensor:
        """The harmonics, (batch, frames, hop)."""
        number = torch.arange(1, self.harmonics + 1, dtype=torch.float64, device=pitch.device)
        tones = pitch * number.to(pitch.dtype)  # (batch, frames, harmonics), hertz
        audible = (tones < self.sample_rate / 2).to(pitch.dtype)
        loud = (self._weights(tones) * voice.unsqueeze(2)).sum(-1) * audible
        quiet = _previous(loud)
        # Cycles of the fundamental: those that passed before the frame, and within it up to each sample. The
        # eightieth harmonic turns eighty times as far, hence float64: after a year of speech it still knows
        # a cycle to a millionth.
        now = pitch.double()
        before = _previous(now)
        # Whole numbers, which a graph holds exactly.
        inside = (before + now) * self.hop / (2 * self.sample_rate)
        passed = inside.cumsum(1) - inside
        i = torch.arange(1, self.hop + 1, dtype=torch.float64, device=pitch.device)
        share = i / self.hop
        cycles = passed + (before * i + (now - before) * (0.5 * i * share)) / self.sample_rate
        turns = cycles.unsqueeze(-1) * number  # (batch, frames, hop, harmonics)
        waves = torch.sin(2 * math.pi * (turns - turns.floor()).to(voice.dtype))
        rising = (waves * loud.unsqueeze(2)).sum(-1)
        falling = (waves * quiet.unsqueeze(2)).sum(-1)
        share = share.to(voice.dtype)
        return rising * share + falling * (1 - share)

    def _weights(self, frequencies: Tensor) -> Tensor:
        """How much of each point of an envelope is heard at frequencies: (..., points), in straight lines."""
        place = torch.log1p(frequencies / 700) * ((self.points - 1) / math.log1p(self.sample_rate / 1400))
        point = torch.arange(self.points, dtype=frequencies.dtype, device=frequencies.device)
        return (1 - (place.unsqueeze(-1) - point).abs()).clamp(min=0)

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        return f"{self.sample_rate:g} Hz, hop={self.hop}, harmonics={self.harmonics}, points={self.points}"


def _previous(x: Tensor) -> Tensor:
    """Each frame's predecessor; before the first there is silence."""
    return F.pad(x, (0, 0, 1, 0))[:, :-1]


def _basis(hop: int) -> Tensor:
    """What each channel adds to the samples of a frame and the next one, (hop + 2 (hop + 1), 1, 2 hop).

    The first channels are samples of the frame. The others are cosines and sines in a window whose squares
    overlap to 1, so that noise of variance 1 becomes samples of variance 1.
    """
    t = torch.arange(2 * hop, dtype=torch.float64)
    window = torch.sin(math.pi * (t + 0.5) / (2 * hop)) / math.sqrt(hop)
    angles = math.pi / hop * torch.arange(hop + 1, dtype=torch.float64).unsqueeze(1) * t
    samples = torch.eye(hop, 2 * hop, dtype=torch.float64)
    return torch.cat([samples, window * angles.cos(), window * angles.sin()]).unsqueeze(1).float()
