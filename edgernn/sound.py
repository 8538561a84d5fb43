"""Sound files as samples and back: any format that libsndfile knows, at the rate that a network takes.

Reading needs the packages soundfile and, where the rate differs, soxr: pip install 'edgernn[audio]'.
"""

from __future__ import annotations

import importlib
import io
import os
import wave
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError, MissingDependencyError
from edgernn.files import existing_file, write_bytes

Samples = npt.NDArray[np.float32]

# What libsndfile reads, of what people have.
SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif")
# What is written.
SOUND_SUFFIX = ".wav"

# A recording with more of its samples at full scale was recorded too loud.
_CLIPPED_SHARE = 0.01


def read_sound(
    path: str | os.PathLike[str], sample_rate: float | None = None, what: str = "input"
) -> tuple[Samples, float]:
    """The samples of a sound file, one channel, within ±1.

    Several channels are averaged. Another rate is resampled (soxr, high quality).

    Args:
        path: the file.
        sample_rate: samples a second that are wanted; None: those of the file.
        what: names the file in messages.

    Returns:
        Samples (samples,), and their rate.

    Raises:
        InputError: no file, one that is no sound, one without samples, or one that holds NaN or infinity.
        MissingDependencyError: soundfile or soxr is not installed.
    """
    file = existing_file(path, what)
    soundfile = _package("soundfile")
    try:
        values, rate = soundfile.read(file, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, TypeError) as error:
        raise _no_sound(file, what, error) from error
    if not len(values):
        raise InputError(f"{what}: {str(file)!r} holds no samples.")
    samples: Samples = values.mean(axis=1, dtype=np.float32)
    if not np.isfinite(samples).all():
        raise InputError(f"{what}: {str(file)!r} holds NaN or infinity.")
    if sample_rate is None or sample_rate == rate:
        return samples, float(rate)
    return resample(samples, rate, sample_rate), float(sample_rate)


@dataclass(frozen=True)
class SoundFacts:
    """What a sound file is.

    Attributes:
        sample_rate: samples a second.
        channels: 1, or 2 where it is stereo.
        seconds: its length.
    """

    sample_rate: float
    channels: int
    seconds: float


def sound_facts(path: str | os.PathLike[str], what: str = "input") -> SoundFacts:
    """Rate, channels and length of a sound file.

    Args, Raises: as for `read_sound`.
    """
    file = existing_file(path, what)
    soundfile = _package("soundfile")
    try:
        found = soundfile.info(file)
    except (soundfile.LibsndfileError, TypeError) as error:
        raise _no_sound(file, what, error) from error
    return SoundFacts(float(found.samplerate), found.channels, found.frames / found.samplerate)


def resample(samples: Samples, rate: float, wanted: float) -> Samples:
    """The same sound at another number of samples a second; raises MissingDependencyError without soxr."""
    changed: Samples = _package("soxr").resample(samples, rate, wanted).astype(np.float32)
    return changed


def write_sound(path: str | os.PathLike[str], samples: npt.ArrayLike, sample_rate: float) -> None:
    """Write samples as a 16-bit .wav file, whole or not at all. What is outside ±1 is cut off.

    Raises:
        InputError: where the samples are no row of finite numbers, or the path cannot be written.
    """
    values = np.asarray(samples, dtype=np.float32)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise InputError(f"samples: must be a row of finite numbers, found an array of shape {values.shape}.")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(round(sample_rate))
        sound.writeframes(np.round(32767 * np.clip(values, -1.0, 1.0)).astype("<i2").tobytes())
    write_bytes(path, buffer.getvalue())


def complaints(samples: Samples) -> list[str]:
    """What is wrong with a recording that can be run all the same: silence, or samples cut off at the top."""
    largest = float(np.abs(samples).max())
    if not largest:
        return ["it is silent: every sample is 0"]
    clipped = float((np.abs(samples) >= max(largest, 0.99)).mean())
    if clipped > _CLIPPED_SHARE:
        return [f"it was recorded too loud: {clipped:.0%} of its samples are at full scale"]
    return []


def is_sound(path: str | os.PathLike[str]) -> bool:
    """Whether the name of a file says that it is a sound file."""
    return Path(path).suffix.lower() in SOUND_SUFFIXES


def _no_sound(file: Path, what: str, error: Exception) -> InputError:
    return InputError(
        f"{what}: {str(file)!r} is no sound file that can be read ({error}). Known are "
        f"{', '.join(SOUND_SUFFIXES)}."
    )


def _package(name: str) -> Any:
    try:
        found: ModuleType = importlib.import_module(name)
    except ImportError as error:
        raise MissingDependencyError(
            f"sound files need the package {name}. Install it with: pip install 'edgernn[audio]'"
        ) from error
    return found
