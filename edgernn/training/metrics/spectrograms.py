"""Pictures of sounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from edgernn.pages import INK, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Seconds of a frame, and how far below the loudest a picture shows, in decibels.
_FRAME, _DEPTH = 0.032, 70.0


def draw_spectrograms(sounds: Mapping[str, np.ndarray], sample_rate: float) -> Figure:
    """Spectrograms below one another, on one scale of time, frequency and loudness.

    Args:
        sounds: (samples,) each, by name.
        sample_rate: of all of them.
    """
    made, drawn = panels(7, 1.6 * len(sounds), rows=len(sounds))
    size = round(_FRAME * sample_rate)
    spectra = {name: _decibels(samples, size) for name, samples in sounds.items()}
    top = max(float(spectrum.max()) for spectrum in spectra.values())
    for axes, (name, spectrum) in zip(drawn, spectra.items(), strict=True):
        seconds = len(sounds[name]) / sample_rate
        axes.imshow(
            spectrum.T, origin="lower", aspect="auto", cmap="magma", vmin=top - _DEPTH, vmax=top,
            extent=(0, seconds, 0, sample_rate / 2000),
        )  # fmt: skip
        axes.set_title(name.replace("_", " "), fontsize=9, color=INK, loc="left")
        axes.set_ylabel("kHz", color=INK)
        axes.grid(False)
    drawn[-1].set_xlim(0, max(len(samples) for samples in sounds.values()) / sample_rate)
    drawn[-1].set_xlabel("seconds", color=INK)
    figure: Figure = made
    return figure


def _decibels(samples: np.ndarray, size: int) -> np.ndarray:
    """(frames, frequencies), four frames a window."""
    padded = np.pad(samples, (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 4]
    power = np.abs(np.fft.rfft(frames * np.hanning(size))) ** 2
    decibels: np.ndarray = 10 * np.log10(power + 1e-10)
    return decibels
