"""Sound files out of a model whose one output is a waveform: a denoiser's, or that of any other filter."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgernn.cli.arrays import Array
from edgernn.cli.console import print_note
from edgernn.cli.running import read_inputs, run_arrays
from edgernn.cli.sounds import fill_up, gives_sound
from edgernn.errors import InputError
from edgernn.sound import SOUND_SUFFIX, is_sound, sound_facts, write_sound

if TYPE_CHECKING:
    from rich.console import Console

    from edgernn.runtime import Session

# Seconds of silence behind a recording for a file that is given all of it at once, and whose last samples may
# lack what frames behind it add.
_TAIL = 0.25


@dataclass(frozen=True)
class SoundWritten:
    """A sound file that was written.

    Attributes:
        path: where.
        seconds: its length.
        sample_rate: samples a second.
        clipped_samples: how many were beyond full scale, and were cut off at it.
        real_time_factor: time of computing ÷ length; None where sound came from a microphone.
    """

    path: str
    seconds: float
    sample_rate: float
    clipped_samples: int
    real_time_factor: float | None = None

    def show(self, console: Console) -> None:
        """Tell it in a line."""
        factor = self.real_time_factor
        speed = "" if factor is None else f", real-time factor {factor:.2g}"
        console.print(
            f"Wrote {self.path}: {self.seconds:.2f} s at {self.sample_rate:g} Hz{speed}", soft_wrap=True
        )


def is_sound_output(path: Path | None) -> bool:
    """Whether the name of an output file says that it is a sound file."""
    return path is not None and is_sound(path)


def check_sound_output(session: Session, path: Path) -> None:
    """Raise InputError where a model's output cannot be written to `path` as sound."""
    if path.suffix.lower() != SOUND_SUFFIX:
        raise InputError(f"output: {str(path)!r}: sound is written as {SOUND_SUFFIX}; name such a file.")
    if not gives_sound(session.manifest):
        raise InputError(
            f"output: {str(path)!r} is a sound file, but the model's output is no waveform (batch, samples) "
            "of a known sample rate. Write it to .npy, or .npz where there are several."
        )


def output_rate(session: Session) -> float:
    """Samples a second of a model's output."""
    assert session.manifest.sample_rate is not None
    spec = session.outputs[0]
    return session.manifest.sample_rate * spec.upsampling / spec.hop


def filter_sound(session: Session, sources: Sequence[str], target: Path) -> SoundWritten:
    """Run a recording through a model, and write what comes out: as long as it, and in time with it.

    What is wrong with the recording, and can be run all the same, is printed as a note; so are samples that
    are cut off, and what of the recording the file has not: its channels, its rate.

    Args:
        session: a model that `gives_sound`.
        sources: one sound file, or .npy file of (samples,) or (1, samples).
        target: a .wav file.

    Raises:
        InputError: what the file or the model lacks.
    """
    check_sound_output(session, target)
    rate = session.manifest.sample_rate
    assert rate is not None
    (array,), source = read_inputs(session, sources, ()), sources[0]
    if array.shape[0] != 1:
        raise InputError(f"input: {source!r} holds {array.shape[0]} rows; a sound file takes one.")
    length = array.shape[1]
    if is_sound(source):
        facts = sound_facts(Path(source))
        # Behind a recording for a streaming model stands silence, so that the model gives its end.
        length = min(length, round(facts.seconds * rate))
        if facts.channels > 1:
            print_note(f"{source}: its {facts.channels} channels were averaged; {target} has one.")
        if facts.sample_rate != output_rate(session):
            print_note(
                f"{source} has {facts.sample_rate:g} samples a second; {target} has "
                f"{output_rate(session):g}, as the model gives them."
            )
    padded = with_tail(session, array[0, :length])
    started = time.perf_counter()
    stream = session.stream() if session.manifest.streaming else None
    outputs = run_arrays(session, [padded], stream)
    seconds = time.perf_counter() - started
    wanted = round(length * output_rate(session) / rate)
    samples = next(iter(outputs.values()))[0, :wanted]
    if len(samples) < wanted:
        print_note(f"{target} ends {wanted - len(samples)} samples before {source} does.")
    return write_waveform(session, samples, target, seconds)


def write_waveform(
    session: Session, samples: Array, target: Path, computed: float | None = None
) -> SoundWritten:
    """Write a model's output (samples,) as a .wav file; `computed`: the seconds that it took."""
    rate = output_rate(session)
    clipped = int((np.abs(samples) > 1).sum())
    if clipped:
        print_note(f"{target}: {clipped} samples were beyond full scale, and are cut off at it.")
    write_sound(target, samples, rate)
    seconds = len(samples) / rate
    return SoundWritten(str(target), seconds, rate, clipped, None if computed is None else computed / seconds)


def with_tail(session: Session, samples: Array) -> Array:
    """(1, samples) with so much silence behind that the model gives all of the output."""
    if session.manifest.streaming:
        return fill_up(session, samples)[None]
    assert session.manifest.sample_rate is not None
    return np.pad(samples, (0, round(_TAIL * session.manifest.sample_rate)))[None]
