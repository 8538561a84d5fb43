"""A denoiser that learns nothing: Wiener's filter on a noise spectrum by minimum statistics."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from edgernn.features.fourier import ShortTimeFourier

# Martin (1994): seconds that the smoothed power follows with, and that its minimum is sought over.
_SMOOTHING, _WINDOW = 0.1, 1.0
# The minimum lies below the mean: by what, for these two, as noise without speech shows.
_BIAS = 1.5
# Ephraim & Malah (1984): how much of the last frame's result counts in the signal-to-noise ratio.
_DECISION = 0.96
# No frequency is turned down by more than 20 dB: less sounds of water.
_SMALLEST_GAIN = 0.1


@torch.no_grad()
def wiener(samples: Tensor, fourier: ShortTimeFourier, sample_rate: float) -> Tensor:
    """What Wiener's filter leaves of a noisy waveform, (samples,) → (whole hops of samples,).

    Noise is estimated at each frequency as the minimum of the smoothed power within a second around each
    frame (Martin, 1994, "Spectral subtraction based on minimum statistics"; the window is centred, so it sees
    half a second ahead), the speech's power from the last frame and this one, "decision-directed" (Ephraim &
    Malah, 1984), and the gain is speech ÷ (speech + noise) (Scalart & Vieira Filho, 1996).
    """
    real, imaginary = (part[0] for part in fourier(samples[None]))
    power = real.square() + imaginary.square() + 1e-12
    noise = minimum_statistics(power, sample_rate / fourier.hop)
    gains, before = [], torch.zeros(power.shape[1])
    for now, quiet in zip(power, noise, strict=True):
        ratio = _DECISION * before / quiet + (1 - _DECISION) * (now / quiet - 1).clamp(min=0)
        gain = (ratio / (1 + ratio)).clamp(min=_SMALLEST_GAIN)
        before = gain.square() * now
        gains.append(gain)
    gain = torch.stack(gains)
    return fourier.inverse((real * gain)[None], (imaginary * gain)[None])[0]


def minimum_statistics(power: Tensor, frame_rate: float) -> Tensor:
    """The power of the noise at each frame and frequency, of the power (frames, frequencies) of both.

    Args:
        power: above 0.
        frame_rate: frames a second.
    """
    share = 1 - 2.718281828 ** (-1 / (_SMOOTHING * frame_rate))
    smooth = power.clone()
    for n in range(1, len(power)):
        smooth[n] = smooth[n - 1] + share * (power[n] - smooth[n - 1])
    half = max(1, round(_WINDOW * frame_rate / 2))
    least = -F.max_pool1d(F.pad(-smooth.T[None], (half, half), value=-torch.inf), 2 * half + 1, stride=1)
    return _BIAS * least[0].T
