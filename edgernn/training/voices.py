"""Speech made by espeak-ng (Debian: apt install espeak-ng), where there are no recordings of a word yet."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from edgernn.errors import InputError, MissingDependencyError
from edgernn.sound import resample
from edgernn.training.sounds import Sound
from edgernn.training.utterances import Utterance

PROGRAM = "espeak-ng"

# Accents of English, and voices of espeak-ng: men and women.
_ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-gb-x-gbclan")
_VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5")


@dataclass(frozen=True)
class Voice:
    """A voice of espeak-ng.

    Attributes:
        name: accent and variant, e.g. "en-us+f2".
        speed: words a minute.
        pitch: from 0 to 99.
    """

    name: str
    speed: int = 160
    pitch: int = 50


def find_program() -> str:
    """Where espeak-ng is; raises MissingDependencyError with how to install it."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise MissingDependencyError(
            f"making speech needs the program {PROGRAM}, which is not installed. On Debian and Ubuntu: apt "
            f"install {PROGRAM}; on macOS: brew install {PROGRAM}. Or record the words and name the folder "
            "with --data."
        )
    return found


def speak(text: str, voice: Voice, sample_rate: float, language: str = "") -> torch.Tensor:
    """Samples (samples,) of a text, read aloud.

    Args:
        text: what is said.
        voice: who says it.
        sample_rate: samples a second.
        language: an espeak-ng voice in the place of the voice's accent, e.g. "de".

    Raises:
        InputError: where espeak-ng does not say it.
        MissingDependencyError: espeak-ng or soxr is not installed.
    """
    name = voice.name if not language else f"{language}+{voice.name.rpartition('+')[2]}"
    speed, pitch = str(voice.speed), str(voice.pitch)
    said = _run(text, "-v", name, "-s", speed, "-p", pitch, "--stdout")
    with wave.open(io.BytesIO(said)) as sound:
        rate = sound.getframerate()
        # The header of a stream says a length that is none: what is there is read.
        samples = np.frombuffer(said[44:], "<i2").astype(np.float32) / np.float32(32768)
    if not samples.any():
        raise InputError(f"text: {PROGRAM} does not say {text!r}: it has nothing that is read aloud.")
    return torch.from_numpy(resample(samples, rate, sample_rate) if rate != sample_rate else samples.copy())


def sounds_of(words: Sequence[str]) -> list[str]:
    """The phonemes of English words in espeak-ng's own letters, without stress; raises as `speak`."""
    stress = str.maketrans("", "", "',%=_:; \n")

    def phonemes(text: str) -> str:
        return _run(text, "-v", "en-us", "-q", "-x").decode()

    # A sentence is a line: one call for all, unless a word is a sentence and more.
    lines = phonemes("".join(f"{word}.\n" for word in words)).splitlines()
    if len(lines) != len(words):
        lines = [phonemes(word) for word in words]
    return [line.translate(stress) for line in lines]


def _run(text: str, *options: str) -> bytes:
    command = [find_program(), *options, "--stdin"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False, timeout=60)
    if done.returncode or not done.stdout:
        reason = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        raise InputError(f"text: {PROGRAM} {' '.join(options)} does not say {text!r}: {reason}.")
    return done.stdout


def voices(count: int, seed: int) -> list[Voice]:
    """So many different voices, drawn from a seed."""
    names = [f"{accent}+{variant}" for accent in _ACCENTS for variant in _VARIANTS]
    drawn = random.Random(seed)
    drawn.shuffle(names)
    return [
        Voice(names[n % len(names)], drawn.randint(120, 220), drawn.randint(25, 75)) for n in range(count)
    ]


def spoken_words(words: tuple[str, ...], count: int, seed: int, sample_rate: float) -> Iterator[Sound]:
    """Each word in `count` voices; the voice is the speaker."""
    for number, voice in enumerate(voices(count, seed)):
        for word in words:
            samples = speak(word, voice, sample_rate)
            yield Sound(samples, word, f"voice {number}", f"{word!r} in the voice {voice.name}")


def spoken_texts(
    texts: Sequence[str], people: Sequence[Voice], seed: int, sample_rate: float
) -> Iterator[Utterance]:
    """Each text in one of the voices, drawn from a seed."""
    drawn = random.Random(seed)
    for text in texts:
        voice = drawn.choice(people)
        yield Utterance(speak(text, voice, sample_rate), text, f"{text!r} in the voice {voice.name}")
