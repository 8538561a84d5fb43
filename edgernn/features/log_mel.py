"""LogMel: a waveform as the energies of its mel bands over time, inside the network."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from edgernn.errors import InputError


class LogMel(nn.Module):
    """Log-mel features of a waveform: the equations of `edgernn.reference.log_mel`.

    Part of the network, it is part of the exported file: an app gives samples. In a stream the samples that
    frames share are kept from one chunk to the next, so that no frame differs from that of the whole
    recording. Frames begin at the first sample; nothing is padded.

    Args:
        sample_rate: samples a second.
        frame: samples of a frame.
        hop: samples from one frame to the next, at most `frame`.
        bands: triangles of the mel scale.
        lowest, highest: the outermost edges in hertz; None: half the sample rate.
        floor: what is added to a band's energy, below which differences do not count. Samples are expected
            within ±1.

    Raises:
        InputError: where an argument is not what it must be, or a band lies between two frequencies of the
            transform and would always be empty.

    Example:
        >>> LogMel(sample_rate=16000, frame=400, hop=160, bands=40)(torch.randn(2, 16000)).shape
        torch.Size([2, 98, 40])
    """

    window: Tensor
    filters: Tensor

    def __init__(
        self,
        sample_rate: float,
        frame: int,
        hop: int,
        bands: int = 40,
        *,
        lowest: float = 0.0,
        highest: float | None = None,
        floor: float = 1e-6,
    ) -> None:
        super().__init__()
        for name, size in (("frame", frame), ("hop", hop), ("bands", bands)):
            if not isinstance(size, int) or isinstance(size, bool) or size < 1:
                raise InputError(f"LogMel: {name} must be an integer ≥ 1, found {size!r}.")
        if hop > frame:
            raise InputError(
                f"LogMel: hop must be at most frame ({frame}), found {hop}: samples would be lost."
            )
        highest = sample_rate / 2 if highest is None else highest
        if not 0 <= lowest < highest <= sample_rate / 2:
            raise InputError(
                f"LogMel: needs 0 ≤ lowest < highest ≤ sample_rate / 2 ({sample_rate / 2:g} Hz), found "
                f"{lowest:g} and {highest:g}."
            )
        if not floor > 0:
            raise InputError(f"LogMel: floor must be above 0, found {floor!r}: silence has no logarithm.")
        self.sample_rate, self.frame, self.hop, self.bands, self.floor = sample_rate, frame, hop, bands, floor
        filters = mel_filters(bands, frame, sample_rate, lowest, highest)
        empty = (filters.sum(0) == 0).nonzero().flatten().tolist()
        if empty:
            raise InputError(
                f"LogMel: no frequency of a frame of {frame} samples ({sample_rate / frame:.0f} Hz apart) "
                f"lies in band {empty[0]} of {bands}. Take fewer bands, a longer frame or a higher "
                "lowest edge."
            )
        # Not trained and fixed by the arguments: no part of the weights' file.
        self.register_buffer("window", torch.hann_window(frame), persistent=False)
        self.register_buffer("filters", filters.float(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """(batch, samples) → (batch, 1 + (samples − frame) // hop, bands)."""
        frames = samples.unfold(1, self.frame, self.hop) * self.window
        power = torch.fft.rfft(frames).abs().square()
        return torch.log(power @ self.filters + self.floor)

    def frames(self, samples: int) -> int:
        """How many frames a recording of that many samples has."""
        return max(0, 1 + (samples - self.frame) // self.hop)

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        return f"{self.sample_rate:g} Hz, frame={self.frame}, hop={self.hop}, bands={self.bands}"


def mel_filters(bands: int, frame: int, sample_rate: float, lowest: float, highest: float) -> Tensor:
    """Triangles of height 1 that are evenly spaced on the mel scale (O'Shaughnessy, 1987).

    Args:
        bands: how many.
        frame: samples of a frame.
        sample_rate: samples a second.
        lowest, highest: the outermost edges in hertz.

    Returns:
        (frame // 2 + 1, bands) float64: the weight of each frequency of the transform in each band.
    """
    ends = [2595 * math.log10(1 + edge / 700) for edge in (lowest, highest)]
    edges = 700 * (10 ** (torch.linspace(ends[0], ends[1], bands + 2, dtype=torch.float64) / 2595) - 1)
    frequencies = (torch.arange(frame // 2 + 1, dtype=torch.float64) * sample_rate / frame).unsqueeze(1)
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    return torch.minimum(rising, falling).clamp(min=0)
