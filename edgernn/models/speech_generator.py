"""SpeechGenerator: text to speech, as three networks that follow each other.

    text    → a vector and a duration for every character     (reads the whole text)
    frames  → a spectrum and a pitch for every frame          (streams)
    vocoder → samples                                         (streams)

Between the first two, every character's vector is repeated for its duration; `edgernn.speech` does that in an
app, where pitch and speed are set too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.features.log_mel import LogMel
from edgernn.features.normalization import FixedNormalization
from edgernn.layers import Recurrent
from edgernn.models.named import cell_type, check_sizes
from edgernn.models.parts import Part, Parted
from edgernn.models.vocoder import Vocoder

# Frames and characters that a convolution sees.
_KERNEL = 5
# Of the logarithm of pitches: a voice that never changes is finite.
_LEAST_SCALE = 0.02
# Samples of a spectrum's frame ÷ samples from one to the next.
_OVERLAP = 2.56


class TextEncoder(nn.Module):
    """A vector and the logarithm of a duration for every character, from those before and behind it.

    Args:
        symbols: size of the vocabulary; number 0 fills texts up.
        size: of an embedding.
        hidden_size: of the recurrent layer, a direction; vectors have twice as many features.
        cell: name of a cell in `edgernn.cells`.
        dropout: probability of zeroing an element, in training only.
    """

    def __init__(self, symbols: int, size: int, hidden_size: int, cell: str, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, size, padding_idx=0)
        self.convolution = nn.Conv1d(size, size, _KERNEL, padding=_KERNEL // 2)
        self.recurrent = Recurrent(cell_type(cell)(size, hidden_size), bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.duration = nn.Linear(2 * hidden_size, 1)

    def forward(self, text: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(batch, symbols) numbers → vectors (batch, symbols, features), durations (batch, symbols).

        `lengths` (batch,) says how many symbols of each row count, where some are filled up.
        """
        x = self.embedding(text).transpose(1, 2)
        x = F.relu(self.convolution(x)).transpose(1, 2)
        vectors, _ = self.recurrent(self.dropout(x), lengths=lengths)
        vectors = self.dropout(vectors)
        return vectors, self.duration(vectors)[..., 0]


class FrameGenerator(nn.Module):
    """A spectrum and a pitch for every frame, from what is said in it and in those before.

    Args:
        features: of a frame: its character's vector and its place in it.
        bands: of a spectrum.
        hidden_size: of the recurrent layers.
        num_layers: how many.
        cell: name of a cell in `edgernn.cells`.
        dropout: between two layers, in training only.
    """

    pitch_mean: Tensor
    pitch_scale: Tensor

    def __init__(
        self, features: int, bands: int, hidden_size: int, num_layers: int, cell: str, dropout: float
    ) -> None:
        super().__init__()
        self.recurrent = Recurrent(cell_type(cell)(features, hidden_size), num_layers, dropout=dropout)
        self.head = nn.Linear(hidden_size + features, bands + 1)
        self.register_buffer("pitch_mean", torch.tensor(5.0))
        self.register_buffer("pitch_scale", torch.tensor(0.2))

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, frames, features) → normalised log-mel (batch, frames, bands), hertz (batch, frames, 1)."""
        hidden, _ = self.recurrent(frames)
        found = self.head(torch.cat([hidden, frames], dim=-1))
        return found[..., 1:], torch.exp(self.pitch_mean + self.pitch_scale * found[..., :1])

    @torch.no_grad()
    def fit_pitch(self, pitch: Tensor) -> None:
        """Set where pitches lie, from those of the training part's voiced frames in hertz, of any shape."""
        if pitch.numel() > 1:
            self.pitch_mean.copy_(pitch.log().mean())
            self.pitch_scale.copy_(pitch.log().std().clamp(min=_LEAST_SCALE))


class Sketch(nn.Module):
    """One spectrum for each character, from its neighbours; it aligns texts with recordings in training.

    Args:
        symbols: size of the vocabulary.
        bands: of a spectrum.
        size: of the layers between.
    """

    def __init__(self, symbols: int, bands: int, size: int = 64) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, size, padding_idx=0)
        self.context = nn.Conv1d(size, 2 * size, _KERNEL, padding=_KERNEL // 2)
        self.spectrum = nn.Conv1d(2 * size, bands, 3, padding=1)

    def forward(self, text: Tensor) -> Tensor:
        """(batch, symbols) numbers → (batch, symbols, bands), normalised log-mel."""
        found = self.spectrum(F.relu(self.context(self.embedding(text).transpose(1, 2))))
        spectra: Tensor = found.transpose(1, 2)
        return spectra


class SpeechGenerator(Parted):
    """Text to speech; see the top of this file.

    Args:
        symbols: size of the vocabulary; number 0 fills texts up.
        sample_rate: samples a second.
        hop: samples a frame.
        bands: of a spectrum.
        embedding_size: numbers that stand for a character.
        text_size: of the text's recurrent layer, a direction.
        hidden_size, num_layers: of the frames' recurrent layers.
        vocoder_size: of the vocoder's recurrent layer.
        harmonics: of the vocoder.
        cell: name of a cell in `edgernn.cells`, in any case.
        dropout: probability of zeroing an element, in training only.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> vectors, durations = SpeechGenerator(symbols=28)(torch.randint(1, 28, (1, 20)))
        >>> vectors.shape, durations.shape
        (torch.Size([1, 20, 128]), torch.Size([1, 20]))
    """

    def __init__(
        self,
        symbols: int,
        sample_rate: float = 16000,
        hop: int = 200,
        bands: int = 48,
        embedding_size: int = 64,
        text_size: int = 64,
        hidden_size: int = 160,
        num_layers: int = 2,
        vocoder_size: int = 128,
        harmonics: int = 60,
        cell: str = "gru",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes(
            "SpeechGenerator", symbols=symbols, hop=hop, bands=bands, embedding_size=embedding_size,
            text_size=text_size, hidden_size=hidden_size, vocoder_size=vocoder_size,
        )  # fmt: skip
        self.log_mel = LogMel(sample_rate, round(_OVERLAP * hop), hop, bands)
        self.normalization = FixedNormalization(bands)
        self.text = TextEncoder(symbols, embedding_size, text_size, cell, dropout)
        self.sketch = Sketch(symbols, bands)
        self.frames = FrameGenerator(2 * text_size + 2, bands, hidden_size, num_layers, cell, dropout)
        self.vocoder = Vocoder(bands, sample_rate, hop, harmonics, hidden_size=vocoder_size, cell=cell)

    def forward(self, text: Tensor) -> tuple[Tensor, Tensor]:
        """What `self.text` gives: vectors and logarithms of durations."""
        found: tuple[Tensor, Tensor] = self.text(text)
        return found

    def parts(self, example_inputs: Sequence[Tensor]) -> dict[str, Part]:
        """The three graphs; the example's vectors stand for two frames each."""
        (text,) = example_inputs
        with torch.no_grad():
            vectors, durations = self.text(text)
            places = torch.stack([torch.full_like(durations, 0.5), durations], dim=-1)
            frames = torch.cat([vectors, places], dim=-1).repeat_interleave(2, dim=1)
            mel, pitch = self.frames(frames)
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(*mel.shape[:2], self.vocoder.noise_size, generator=generator)
        rate = self.log_mel.sample_rate / self.log_mel.hop
        return {
            "text": Part(
                self.text, (text,),
                {"output_names": ("vectors", "durations"), "metadata": {"sample_rate": None}},
            ),
            "frames": Part(
                self.frames, (frames,),
                {"streaming": True, "output_names": ("mel", "pitch"), "metadata": {"sample_rate": rate}},
            ),
            "vocoder": Part(
                self.vocoder, (mel, pitch, noise),
                {"streaming": True, "output_names": ("samples",), "metadata": {"sample_rate": rate}},
            ),
        }  # fmt: skip

    def settings(self) -> dict[str, Any]:
        """Samples a second, samples a frame, and how much noise the vocoder takes a frame."""
        return {
            "sample_rate": self.log_mel.sample_rate,
            "hop": self.log_mel.hop,
            "noise_size": self.vocoder.noise_size,
        }
