"""How far one sound is from another, by their spectra in several resolutions.

Source: Yamamoto, Song and Kim (2020), "Parallel WaveGAN", section 2.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

# Samples of a frame; the hop is a quarter of it.
RESOLUTIONS = (1024, 512, 256, 128)
# Below this magnitude differences do not count: silence has no logarithm.
_FLOOR = 1e-3


def spectral_distance(found: Tensor, truth: Tensor, resolutions: Sequence[int] = RESOLUTIONS) -> Tensor:
    """Mean difference of logarithms of magnitudes plus relative difference of magnitudes, as a scalar.

    The phase does not count: nobody hears it.

    Args:
        found, truth: (batch, samples), longer than the longest frame.
        resolutions: samples of a frame, for each resolution.
    """
    total = found.new_zeros(())
    for size in resolutions:
        a, b = (_magnitudes(sound, size) for sound in (found, truth))
        logarithms = ((a + _FLOOR).log() - (b + _FLOOR).log()).abs().mean()
        relative = (a - b).norm() / b.norm().clamp(min=_FLOOR)
        total = total + logarithms + relative
    return total / len(resolutions)


def _magnitudes(sound: Tensor, size: int) -> Tensor:
    window = torch.hann_window(size, device=sound.device)
    spectrum = torch.stft(sound, size, size // 4, window=window, center=False, return_complex=True)
    # The root's slope at 0 is infinite.
    return (spectrum.real.square() + spectrum.imag.square() + 1e-10).sqrt()
