"""Labelled sound files: a folder for each word, or the word in a file's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from edgernn.errors import InputError
from edgernn.sound import SOUND_SUFFIXES, is_sound, read_sound

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

# Folders of recordings in which nothing is said begin so, e.g. _background_noise_.
_BACKGROUND = "_"


@dataclass(frozen=True, eq=False)
class Sound:
    """One recording.

    Attributes:
        samples: (samples,) float32 within ±1, finite.
        label: what is said.
        speaker: who says it; empty where unknown.
        where: the file.
    """

    samples: Tensor
    label: str
    speaker: str
    where: str


def read_sounds(
    folder: Path,
    sample_rate: float | None = None,
    *,
    label_pattern: str = "",
    speaker_pattern: str = "",
) -> tuple[list[Sound], float]:
    """Read a folder of labelled sound files.

    Args:
        folder: of LABEL/ folders with sound files; folders that begin with "_" hold no words.
        sample_rate: samples a second; None: those of the first file.
        label_pattern: a regular expression whose first group, searched in a file's name, is its label; files
            of the folder and of those in it are then taken alike.
        speaker_pattern: the same for who speaks.

    Returns:
        The recordings, by path, and their sample rate.

    Raises:
        InputError: what is missing or broken, with the file.
        MissingDependencyError: soundfile is not installed.
    """
    if not folder.is_dir():
        raise InputError(f"data: {str(folder)!r} is no folder. Name one of LABEL/ folders with sound files.")
    label_of = name_part(label_pattern, "label_pattern")
    speaker_of = name_part(speaker_pattern, "speaker_pattern")
    files = [file for file in sound_files(folder) if label_pattern or file.parent != folder]
    if not files:
        raise InputError(
            f"data: the folder {str(folder)!r} holds no LABEL/ folders with sound files "
            f"({', '.join(SOUND_SUFFIXES)}). Where the label stands in the files' names, say where with "
            "label_pattern, e.g. --set 'label_pattern=^(.+?)_'."
        )
    found: list[Sound] = []
    rate = sample_rate
    for file in files:
        samples, rate = read_sound(file, rate, "data")
        label = label_of(file) if label_pattern else file.parent.relative_to(folder).parts[0]
        speaker = speaker_of(file) if speaker_pattern else ""
        found.append(Sound(torch.from_numpy(samples), label, speaker, repr(str(file))))
    assert rate is not None
    return found, rate


def read_backgrounds(folder: Path, sample_rate: float) -> list[Tensor]:
    """The recordings without words: those in folders that begin with "_", each (samples,)."""
    files = [
        file
        for part in sorted(folder.glob(f"{_BACKGROUND}*"))
        if part.is_dir()
        for file in sorted(part.rglob("*"))
        if is_sound(file)
    ]
    return [torch.from_numpy(read_sound(file, sample_rate, "data")[0]) for file in files]


def sound_files(folder: Path) -> list[Path]:
    """The sound files below a folder, by path, without those of backgrounds."""
    return [
        file
        for file in sorted(folder.rglob("*"))
        if is_sound(file) and not file.relative_to(folder).parts[0].startswith(_BACKGROUND)
    ]


def name_part(pattern: str, option: str) -> Callable[[Path], str]:
    """What a regular expression's first group finds in the name of a file.

    Raises InputError where it is no expression, has no group, or (when called) a name does not match;
    `option` names it in messages.
    """
    compiled = _compiled(pattern, option)
    if pattern and not compiled.groups:
        raise InputError(f"option {option}: {pattern!r} has no group in parentheses.")

    def find(file: Path) -> str:
        match = compiled.search(file.name)
        if match is None:
            raise InputError(f"data: {str(file)!r}: its name does not match {option}, {pattern!r}.")
        return match[1]

    return find


def name_filter(pattern: str, option: str) -> Callable[[Sound], bool]:
    """Whether a regular expression is found in the name of a recording's file.

    Raises InputError where it is none; `option` names it in the message.
    """
    compiled = _compiled(pattern, option)
    return lambda sound: compiled.search(Path(sound.where.strip("'")).name) is not None


def _compiled(pattern: str, option: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InputError(f"option {option}: {pattern!r} is no regular expression ({error}).") from error


def spelled(label: str) -> str:
    """A label as it is said: the digits 0 to 9 as words, all others as they are."""
    return _DIGITS[int(label)] if len(label) == 1 and label in "0123456789" else label


def speakers_of(sounds: Iterable[Sound]) -> Sequence[str]:
    """Who speaks, sorted, without the empty name."""
    return sorted({sound.speaker for sound in sounds} - {""})
