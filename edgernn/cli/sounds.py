"""Sound files, and a microphone, as the input of a model that takes a waveform."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgernn.cli.arrays import Array
from edgernn.cli.console import print_note
from edgernn.errors import InputError

if TYPE_CHECKING:
    from edgernn.manifest import Manifest, TensorSpec
    from edgernn.runtime import Session


def takes_sound(manifest: Manifest) -> bool:
    """Whether the model's one input is a waveform: (batch, samples) at a known rate."""
    known = len(manifest.inputs) == 1 and manifest.sample_rate is not None
    return known and is_waveform(manifest.inputs[0])


def gives_sound(manifest: Manifest) -> bool:
    """Whether the model makes a waveform of a waveform."""
    return takes_sound(manifest) and len(manifest.outputs) == 1 and is_waveform(manifest.outputs[0])


def is_waveform(spec: TensorSpec) -> bool:
    """Whether a tensor has the form of one: (batch, samples)."""
    return len(spec.dims) == 2 and spec.time_dim == 1 and np.dtype(spec.dtype).kind == "f"


def read_sound_input(session: Session, path: Path, spec: TensorSpec) -> Array:
    """(1, samples) of a sound file, at the model's rate, with silence behind them where it streams.

    What is wrong with the recording, and can be run all the same, is printed as a note.

    Raises:
        InputError: the model takes no waveform, or the file is no sound.
    """
    from edgernn.sound import complaints, read_sound

    if not takes_sound(session.manifest):
        raise InputError(
            f"input: {str(path)!r} is a sound file, but the model's {spec.name!r} of dimensions "
            f"{', '.join(map(str, spec.dims))} is no waveform (batch, samples) of a known sample rate."
        )
    samples, _ = read_sound(path, session.manifest.sample_rate)
    for complaint in complaints(samples):
        print_note(f"{path}: {complaint}.")
    return fill_up(session, samples)[None]


def fill_up(session: Session, samples: Array) -> Array:
    """Samples with silence behind them, so that a streaming model's chunks come out even and see the end."""
    manifest = session.manifest
    if not manifest.streaming:
        return samples
    step = manifest.chunk or manifest.hop
    behind = -(len(samples) + manifest.lookahead_steps) % step + manifest.lookahead_steps
    return np.pad(samples, (0, behind))
