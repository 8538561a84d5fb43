"""ShortTimeFourier: a waveform as the spectra of overlapped frames, and back, inside the network."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.errors import InputError


class ShortTimeFourier(nn.Module):
    """Spectra of overlapped frames, and the waveform of changed spectra by overlap-add.

    Both ways frames are weighted by w, the square root of Hann's window, and the sum of what overlaps is
    divided by c = frame / (2 hop), the sum of the overlapping w²:

        X_k[f] = Σ_n w[n] x[k·hop − before + n] e^(−2πi f n / frame)
        y[t]   = (1/c) Σ_k w[t + before − k·hop] · inverse transform of Y_k at t + before − k·hop

    with before = frame − hop zeros in front of the waveform, so that every sample is in as many frames as any
    other and unchanged spectra give back the waveform: sample t of the result stands for sample t of the
    input. It is complete once the last frame that holds it is: in a stream, `lookahead` samples later.

    The transforms are products with constant matrices of real numbers, which every runtime has and which
    stream. Source: Allen & Rabiner (1977), "A unified approach to short-time Fourier analysis and synthesis";
    Griffin & Lim (1984) for the second window.

    Args:
        frame: samples of a frame; even.
        hop: samples from one frame to the next; a frame is 2, 3, 4, … times as long.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> fourier = ShortTimeFourier(frame=256, hop=128)
        >>> real, imaginary = fourier(torch.randn(2, 1024))
        >>> real.shape, fourier.inverse(real, imaginary).shape
        (torch.Size([2, 8, 129]), torch.Size([2, 1024]))
    """

    analysis: Tensor
    synthesis: Tensor
    overlap: Tensor

    def __init__(self, frame: int, hop: int) -> None:
        super().__init__()
        for name, size in (("frame", frame), ("hop", hop)):
            if not isinstance(size, int) or isinstance(size, bool) or size < 1:
                raise InputError(f"ShortTimeFourier: {name} must be an integer ≥ 1, found {size!r}.")
        if frame % 2 or frame % hop or frame == hop:
            raise InputError(
                f"ShortTimeFourier: frame must be even, and 2, 3, 4, … times hop, found {frame} and {hop}: "
                "otherwise the overlapping windows do not add up to a constant."
            )
        self.frame, self.hop, self.bins = frame, hop, frame // 2 + 1
        n, f = torch.arange(frame).unsqueeze(1), torch.arange(self.bins)
        angle = 2 * math.pi * ((n * f) % frame).double() / frame
        window = torch.hann_window(frame, dtype=torch.float64).sqrt().unsqueeze(1)
        weight = torch.full((self.bins,), 2.0, dtype=torch.float64)
        weight[0] = weight[-1] = 1.0
        analysis = torch.cat([angle.cos(), -angle.sin()], dim=1) * window
        synthesis = torch.cat([angle.cos() * weight, -angle.sin() * weight], dim=1) * window / frame
        # Not trained and fixed by the arguments: no part of the weights' file.
        self.register_buffer("analysis", analysis.float(), persistent=False)
        self.register_buffer("synthesis", (synthesis.T * 2 * hop / frame).float(), persistent=False)
        self.register_buffer("overlap", torch.eye(frame).unsqueeze(1), persistent=False)

    @property
    def lookahead(self) -> int:
        """Samples of the future that a sample of the result waits for, beside the hop that it comes in."""
        return self.frame - self.hop

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, samples) → real and imaginary parts, each (batch, samples // hop, frame // 2 + 1)."""
        frames = F.pad(samples, (self.frame - self.hop, 0)).unfold(1, self.frame, self.hop)
        spectra = frames @ self.analysis
        return spectra[..., : self.bins], spectra[..., self.bins :]

    def inverse(self, real: Tensor, imaginary: Tensor) -> Tensor:
        """The waveform of spectra as `forward` gives them, (batch, frames · hop): `add_up` of `frames`."""
        return self.add_up(self.frames(real, imaginary))

    def frames(self, real: Tensor, imaginary: Tensor) -> Tensor:
        """The windowed frames of spectra, (batch, frames, frame)."""
        return torch.cat([real, imaginary], dim=-1) @ self.synthesis

    def add_up(self, frames: Tensor) -> Tensor:
        """The waveform that overlapping frames (batch, frames, frame) add up to, (batch, frames · hop).

        Its last frame − hop samples lack what later frames would add.
        """
        joined = F.conv_transpose1d(frames.transpose(1, 2), self.overlap, stride=self.hop).squeeze(1)
        return joined[:, self.frame - self.hop :]

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        return f"frame={self.frame}, hop={self.hop}"
