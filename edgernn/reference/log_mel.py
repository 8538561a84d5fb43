"""Log-mel features of a waveform, in plain numpy: the frames' power spectra, in bands of the mel scale.

    X_t[k] = Σ_n w[n] s[t·hop + n] e^(−2πi k n / frame)          w: Hann window, periodic
    E_t[m] = Σ_k F[k, m] |X_t[k]|²                               F: triangles, of height 1
    y_t[m] = log(E_t[m] + floor)

    mel(f) = 2595 log10(1 + f / 700)                             O'Shaughnessy (1987)

The edges of the triangles are evenly spaced on the mel scale; triangle m rises from edge m to edge m + 1 and
falls to edge m + 2. Source: Davis and Mermelstein (1980), "Comparison of parametric representations for
monosyllabic word recognition in continuously spoken sentences", with a logarithm and no cosine transform.
"""

from __future__ import annotations

import cmath
import math

import numpy as np
import numpy.typing as npt

from edgernn.reference.arrays import Array, as_array


def log_mel(
    samples: npt.ArrayLike,
    *,
    sample_rate: float,
    frame: int,
    hop: int,
    bands: int,
    lowest: float = 0.0,
    highest: float | None = None,
    floor: float = 1e-6,
) -> Array:
    """The features of each whole frame.

    Args:
        samples: (batch, samples).
        sample_rate: samples a second.
        frame: samples of a frame.
        hop: samples from one frame to the next.
        bands: triangles of the mel scale.
        lowest, highest: the outermost edges in hertz; None: half the sample rate.
        floor: what is added to a band's energy.

    Returns:
        (batch, 1 + (samples − frame) // hop, bands).
    """
    samples = as_array("samples", samples, ("batch", "samples"))
    edges = mel_edges(bands, lowest, sample_rate / 2 if highest is None else highest)
    frames = 1 + (samples.shape[1] - frame) // hop
    y = np.empty((len(samples), frames, bands))
    for row, wave in enumerate(samples):
        for t in range(frames):
            power = _power(wave[t * hop : t * hop + frame])
            for m in range(bands):
                energy = sum(
                    _triangle(k * sample_rate / frame, *edges[m : m + 3]) * value
                    for k, value in enumerate(power)
                )
                y[row, t, m] = math.log(energy + floor)
    return y


def mel_edges(bands: int, lowest: float, highest: float) -> list[float]:
    """The bands + 2 edges of the triangles in hertz."""

    def mel(frequency: float) -> float:
        return 2595 * math.log10(1 + frequency / 700)

    first, last = mel(lowest), mel(highest)
    steps = [first + (last - first) * n / (bands + 1) for n in range(bands + 2)]
    return [700 * (10 ** (step / 2595) - 1) for step in steps]


def _triangle(frequency: float, left: float, middle: float, right: float) -> float:
    rising = (frequency - left) / (middle - left)
    falling = (right - frequency) / (right - middle)
    return max(0.0, min(rising, falling))


def _power(wave: Array) -> list[float]:
    """|X[k]|² of a frame, by the sum that defines the transform."""
    length = len(wave)
    windowed = [value * (0.5 - 0.5 * math.cos(2 * math.pi * n / length)) for n, value in enumerate(wave)]
    power = []
    for k in range(length // 2 + 1):
        total = sum(value * cmath.exp(-2j * math.pi * k * n / length) for n, value in enumerate(windowed))
        power.append(abs(total) ** 2)
    return power
