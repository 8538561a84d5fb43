"""Denoiser: speech without the noise around it, waveform in and waveform out, while it comes in."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgernn.features.fourier import ShortTimeFourier
from edgernn.features.normalization import FixedNormalization
from edgernn.layers import Recurrent
from edgernn.models.named import cell_type, check_sizes

# Added to the power of a frequency, below which differences do not count. Samples are within ±1.
_FLOOR = 1e-6
# Most that a frequency is amplified by.
_LARGEST_MASK = 2.0


class Denoiser(nn.Module):
    """Multiplies the spectrum of each frame by a complex mask, and adds the frames up again.

    The mask of a frame follows from all frames until then, by a recurrent network:

        X = Fourier(s),   x = normalise(log(|X|² + floor)),   h = recurrent(x)
        M = 2 · unit(W h + b),   unit(z) = z / (1 + |z|),   y = inverse Fourier(M · X)

    Being complex it turns phases too, within a circle of radius 2. A sample of the output comes
    `fourier.lookahead` samples after that of the input, at the end of the hop that it is in: the latency is a
    frame. Source: Williamson, Wang & Wang (2016), "Complex ratio masking for monaural speech separation";
    the bound of the mask as in Hu et al. (2020), "DCCRN", which takes a tanh.

    Args:
        frame, hop: samples of a frame, and from one to the next; see `ShortTimeFourier`.
        hidden_size: size of the recurrent layers.
        cell: name of a cell in `edgernn.cells`, in any case.
        num_layers: recurrent layers on top of each other.
        dropout: probability of zeroing an element around and between recurrent layers, in training only.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> Denoiser(frame=256, hop=128)(torch.randn(2, 4000)).shape
        torch.Size([2, 3968])
    """

    def __init__(
        self,
        frame: int = 256,
        hop: int = 128,
        hidden_size: int = 128,
        cell: str = "gru",
        num_layers: int = 2,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes("Denoiser", hidden_size=hidden_size)
        self.fourier = ShortTimeFourier(frame, hop)
        bins = self.fourier.bins
        self.normalization = FixedNormalization(bins)
        self.recurrent = Recurrent(cell_type(cell)(bins, hidden_size), num_layers, dropout=dropout)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, 2 * bins)
        with torch.no_grad():
            # At first the mask is 1/2: neither all nor nothing.
            self.head.bias[:bins].fill_(1 / 3)
            self.head.bias[bins:].zero_()

    @property
    def accepts_lookahead(self) -> int:
        """Samples of the future that a stream of it waits for, without `edgernn.export` being told."""
        return self.fourier.lookahead

    def forward(self, samples: Tensor) -> Tensor:
        """(batch, samples) within ±1 → the speech in them, (batch, whole hops of samples)."""
        real, imaginary = self.fourier(samples)
        hidden, _ = self.recurrent(self.dropout(self.normalization(_loudness(real, imaginary))))
        mask = self.head(self.dropout(hidden))
        a, b = mask[..., : self.fourier.bins], mask[..., self.fourier.bins :]
        scale = _LARGEST_MASK / (1 + (a * a + b * b + 1e-12).sqrt())
        a, b = a * scale, b * scale
        return self.fourier.inverse(real * a - imaginary * b, real * b + imaginary * a)

    @torch.no_grad()
    def fit_normalization(self, recordings: list[Tensor]) -> None:
        """Set the normalisation from noisy recordings of the training part, each (samples,)."""
        features = [_loudness(*self.fourier(samples[None]))[0] for samples in recordings]
        self.normalization.fit(torch.cat(features))


def _loudness(real: Tensor, imaginary: Tensor) -> Tensor:
    return torch.log(real * real + imaginary * imaginary + _FLOOR)
