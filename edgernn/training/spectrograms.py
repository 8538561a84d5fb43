"""Pictures of sounds: how loud each frequency is over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from edgernn.pages import INK, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Decibels from the darkest to the brightest.
_RANGE = 70.0


def draw_spectrograms(
    rows: Sequence[Mapping[str, Tensor]], sample_rate: float, frame_seconds: float = 0.032
) -> Figure:
    """Spectrograms of sounds, (samples,) each, by their names: a row for each mapping, alike in loudness.

    Args:
        rows: the sounds of a row are as loud as they are beside one another.
        sample_rate: samples a second.
        frame_seconds: length of the frames.
    """
    frame = max(16, round(frame_seconds * sample_rate))
    columns = max(map(len, rows))
    canvas, axes = panels(3.2 * columns, 1.8 * len(rows) + 0.3, rows=len(rows), columns=columns)
    for number, row in enumerate(rows):
        spectra = {name: _decibels(sound, frame) for name, sound in row.items()}
        loudest = max(float(spectrum.max()) for spectrum in spectra.values())
        for place, (name, spectrum) in enumerate(spectra.items()):
            panel = axes[number * columns + place]
            panel.imshow(
                spectrum.numpy(), origin="lower", aspect="auto", cmap="magma",
                vmin=loudest - _RANGE, vmax=loudest,
                extent=(0, len(row[name]) / sample_rate, 0, sample_rate / 2000),
            )  # fmt: skip
            panel.grid(False)
            panel.set_title(name, loc="left", fontsize=9, color=INK)
            if place == 0:
                panel.set_ylabel("kHz", color=INK)
            if number == len(rows) - 1:
                panel.set_xlabel("seconds", color=INK)
    made: Figure = canvas
    return made


def _decibels(sound: Tensor, frame: int) -> Tensor:
    """(frequencies, frames)."""
    filled = torch.nn.functional.pad(sound, (0, max(0, frame - len(sound))))
    window = torch.hann_window(frame)
    spectrum = torch.stft(filled, frame, max(1, frame // 4), window=window, center=False, return_complex=True)
    return 20 * spectrum.abs().clamp(min=1e-5).log10()
