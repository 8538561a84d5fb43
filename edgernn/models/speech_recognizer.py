"""SpeechRecognizer: which symbols were said, from the waveform, by connectionist temporal classification."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.features.log_mel import LogMel
from edgernn.features.masking import SpecAugment
from edgernn.features.normalization import FixedNormalization
from edgernn.layers import Recurrent
from edgernn.models.named import cell_type, check_sizes

# Frames that the convolution sees, and frames a step.
_KERNEL, _STRIDE = 5, 2


class SpeechRecognizer(nn.Module):
    """Log-probabilities of symbols at every step, symbol 0 being the blank of CTC.

    Log-mel features are normalised, a convolution that sees the past alone halves their rate, and a recurrent
    network reads them, in one direction (which streams) or in both:

        x = normalise(log_mel(s)),   c = relu(conv(x)),   h = recurrent(c),   y = log_softmax(W h + b)

    Source: Graves et al. (2006), "Connectionist temporal classification"; Amodei et al. (2016), "Deep Speech
    2", for the convolution. `edgernn.ctc.CTCDecoder` makes text of the output.

    Args:
        symbols: size of the vocabulary, the blank included.
        sample_rate: samples a second.
        frame, hop: samples of a frame, and from one to the next.
        bands: mel bands.
        channels: output channels of the convolution.
        hidden_size: size of the recurrent layers, a direction.
        cell: name of a cell in `edgernn.cells`, in any case.
        num_layers: recurrent layers on top of each other.
        bidirectional: whether a second cell reads from the end to the start.
        dropout: probability of zeroing an element around and between recurrent layers, in training only.
        hidden_frames, hidden_bands: most frames and bands that training hides (SpecAugment).

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> SpeechRecognizer(symbols=28, sample_rate=16000)(torch.randn(2, 16000)).shape
        torch.Size([2, 50, 28])
    """

    def __init__(
        self,
        symbols: int,
        sample_rate: float = 16000,
        frame: int = 400,
        hop: int = 160,
        bands: int = 40,
        channels: int = 64,
        hidden_size: int = 128,
        cell: str = "gru",
        num_layers: int = 2,
        bidirectional: bool = False,
        dropout: float = 0.0,
        hidden_frames: int = 0,
        hidden_bands: int = 0,
    ) -> None:
        super().__init__()
        check_sizes("SpeechRecognizer", symbols=symbols, channels=channels, hidden_size=hidden_size)
        self.symbols = symbols
        self.log_mel = LogMel(sample_rate, frame, hop, bands)
        self.normalization = FixedNormalization(bands)
        self.masking = SpecAugment(hidden_frames, hidden_bands)
        self.convolution = nn.Conv1d(bands, channels, _KERNEL, stride=_STRIDE)
        first = cell_type(cell)(channels, hidden_size)
        self.recurrent = Recurrent(first, num_layers, bidirectional, dropout)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size * self.recurrent.directions, symbols)

    def forward(self, samples: Tensor) -> Tensor:
        """Log-probabilities (batch, steps, symbols) of waveforms (batch, samples) within ±1."""
        return self.log_probabilities(samples, None)

    def log_probabilities(self, samples: Tensor, steps: Tensor | None) -> Tensor:
        """As `forward`; `steps` (batch,) says how many steps of each row count, where some are filled up."""
        x = self.masking(self.normalization(self.log_mel(samples))).transpose(1, 2)
        x = F.relu(self.convolution(F.pad(x, (_KERNEL - 1, 0)))).transpose(1, 2)
        hidden, _ = self.recurrent(self.dropout(x), lengths=steps)
        scores: Tensor = self.head(self.dropout(hidden))
        return scores.log_softmax(-1)

    def steps(self, samples: Tensor) -> Tensor:
        """How many steps recordings of so many samples have, (batch,); 0 for those shorter than a frame."""
        frames = (samples - self.log_mel.frame).div(self.log_mel.hop, rounding_mode="floor") + 1
        return (frames.clamp(min=0) + _STRIDE - 1).div(_STRIDE, rounding_mode="floor")

    @torch.no_grad()
    def fit_normalization(self, recordings: list[Tensor]) -> None:
        """Set the normalisation from recordings of the training part, each (samples,)."""
        self.normalization.fit(torch.cat([self.log_mel(samples[None])[0] for samples in recordings]))

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        return f"symbols={self.symbols}"
