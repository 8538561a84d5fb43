"""Where the speech of a denoiser comes from, who is held out, and the noises it is mixed with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from edgernn.errors import InputError
from edgernn.sound import SOUND_SUFFIXES, is_sound, read_sound
from edgernn.training.noisy_speech import BABBLE, Noises, known_kinds
from edgernn.training.options import TrainingOptions, option
from edgernn.training.recipe import locate_data
from edgernn.training.sounds import Sound, name_part, sound_files, speakers_of
from edgernn.training.voices import speak, voices
from edgernn.training.whistles import make_whistles
from edgernn.training.word_windows import spoken_part

# Generated kinds that training never hears, where nobody says otherwise.
HELD_OUT = (BABBLE, "engine", "rain", "siren")

# For voices of espeak-ng: Harvard sentences (IEEE, 1969), which hold English sounds as often as speech does.
_SENTENCES = (
    "The birch canoe slid on the smooth planks.",
    "Glue the sheet to the dark blue background.",
    "It's easy to tell the depth of a well.",
    "These days a chicken leg is a rare dish.",
    "Rice is often served in round bowls.",
    "The juice of lemons makes fine punch.",
    "The box was thrown beside the parked truck.",
    "Four hours of steady work faced us.",
)


@dataclass(frozen=True)
class NoisySpeechOptions(TrainingOptions):
    """Options of a recipe that learns from speech and noise."""

    speaker_pattern: str = option(
        "", "Expression whose first group in a file's name says who speaks; empty: the folder it is in."
    )
    test_speakers: tuple[str, ...] = option((), "Who is held out for the scores; empty: one in six.")
    validation_speakers: tuple[str, ...] = option((), "Who chooses the epoch; empty: one in six.")
    more_data: tuple[str, ...] = option((), "Further folders of speech, which is learned from alone.")
    voices: int = option(
        0,
        "Voices of espeak-ng that read sentences: for want of data, or learned from beside them.",
        minimum=0,
    )
    sample_rate: float | None = option(None, "Samples a second; none: the recordings' own.", above=0)
    noise_data: str = option(
        "", "A folder of recorded noise: KIND/ folders of sound files, or files that are a kind each."
    )
    noises: tuple[str, ...] = option(
        (), "Kinds of noise that training hears; empty: all but those of test_noises."
    )
    test_noises: tuple[str, ...] = option(HELD_OUT, "Kinds of noise that are held out for the scores.")
    split_seed: int = option(0, "Seed of what is drawn for validation and scores.", minimum=0)


@dataclass(frozen=True)
class SpeechParts:
    """Speech and noise of the three parts.

    Attributes:
        train, validation, test: recordings.
        heard, unheard: noises to learn from and to choose the epoch by, and those to score on.
        sample_rate: samples a second.
        source: where they come from, for people.
    """

    train: Sequence[Sound]
    validation: Sequence[Sound]
    test: Sequence[Sound]
    heard: Noises
    unheard: Noises
    sample_rate: float
    source: str


def read_speech_parts(options: NoisySpeechOptions, data: Path | None, rate: float | None) -> SpeechParts:
    """Read speech and noise, and hold out speakers and kinds of noise.

    Args:
        options: of the recipe.
        data: a folder of sound files; None: speech is made.
        rate: samples a second; None: those of the first recording.

    Raises:
        InputError: what is missing, broken or too little, with its option.
    """
    if data is None:
        speech, rate, source = _made(options, rate)
    else:
        speech, rate = read_speech(data, rate, options.speaker_pattern)
        source = f"{len(speech)} recordings of {len(speakers_of(speech))} speakers in {data}"
    beside = _spoken(options, rate) if data is not None else []
    rest, test = _apart(speech, options.test_speakers, "test_speakers")
    train, validation = _apart(rest, options.validation_speakers, "validation_speakers")
    for name in options.more_data:
        folder = locate_data(name)
        assert folder is not None
        more = read_speech(folder, rate, options.speaker_pattern)[0]
        train = [*train, *more]
        source += f", and {len(more)} in {folder} to learn from"
    if beside:
        train = [*train, *beside]
        source += f", and {len(beside)} sentences that espeak-ng says in {options.voices} voices"
    recorded = read_noises(options.noise_data, rate) if options.noise_data else {}
    both = sorted(set(options.noises) & set(options.test_noises))
    if both:
        raise InputError(f"option noises: {', '.join(both)} is held out by test_noises. Take it out of one.")
    kinds = options.noises or tuple(n for n in known_kinds(recorded) if n not in options.test_noises)
    heard = Noises(kinds, rate, recorded, [sound.samples for sound in train])
    # Voices in the background of what is scored are none that are learned from.
    unheard = Noises(options.test_noises, rate, recorded, [sound.samples for sound in validation])
    made = f"{len(kinds)} kinds of noise ({len(recorded)} recorded), scored on {', '.join(unheard.kinds)}"
    return SpeechParts(train, validation, test, heard, unheard, rate, f"{source}; {made}")


def read_speech(folder: Path, sample_rate: float | None, speaker_pattern: str) -> tuple[list[Sound], float]:
    """Every sound file below a folder, and their rate; see `NoisySpeechOptions` for who speaks."""
    if not folder.is_dir():
        raise InputError(f"data: {str(folder)!r} is no folder. Name one of sound files.")
    speaker_of = name_part(speaker_pattern, "speaker_pattern")
    files = sound_files(folder)
    if not files:
        raise InputError(f"data: no sound file below {str(folder)!r} ({', '.join(SOUND_SUFFIXES)}).")
    found, rate = [], sample_rate
    for file in files:
        samples, rate = read_sound(file, rate, "data")
        if speaker_pattern:
            speaker = speaker_of(file)
        else:
            # Without folders every file is a speaker of its own.
            inside = file.relative_to(folder).parts
            speaker = inside[0] if len(inside) > 1 else file.stem
        if samples.any():
            spoken = spoken_part(torch.from_numpy(samples), rate)
            found.append(Sound(spoken, "", speaker, repr(str(file))))
    if not found:
        raise InputError(f"data: every recording below {str(folder)!r} is silent.")
    assert rate is not None
    return found, rate


def read_noises(name: str, sample_rate: float) -> dict[str, list[Tensor]]:
    """Recorded noise by kind, each (samples,): the folders in a folder, or its files.

    Raises InputError where there is none, or one is named like a kind that is made.
    """
    folder = locate_data(name)
    assert folder is not None
    found: dict[str, list[Tensor]] = {}
    for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if is_sound(file):
            inside = file.relative_to(folder).parts
            kind = inside[0] if len(inside) > 1 else file.stem
            samples = torch.from_numpy(read_sound(file, sample_rate, "noise_data")[0])
            if samples.any():
                found.setdefault(kind, []).append(samples)
    if not found:
        raise InputError(
            f"option noise_data: {str(folder)!r} is no folder with sound files that are not silent "
            f"({', '.join(SOUND_SUFFIXES)})."
        )
    twice = sorted(set(found) & set(known_kinds({})))
    if twice:
        raise InputError(
            f"option noise_data: {', '.join(twice)} is the name of noise that is made. Rename the folder."
        )
    return found


def _made(options: NoisySpeechOptions, rate: float | None) -> tuple[list[Sound], float, str]:
    rate = rate or 8000.0
    if not options.voices:
        told = "whistles that this recipe makes, for want of speech; name recordings with --data"
        return make_whistles(24, options.split_seed, rate), rate, told
    speech = _spoken(options, rate)
    return speech, rate, f"{len(speech)} sentences that espeak-ng says in {options.voices} voices"


def _spoken(options: NoisySpeechOptions, rate: float) -> list[Sound]:
    """Sentences in every voice of espeak-ng that is asked for."""
    return [
        Sound(speak(sentence, voice, rate), "", f"voice {number}", f"the voice {voice.name}")
        for number, voice in enumerate(voices(options.voices, options.split_seed))
        for sentence in _SENTENCES
    ]


def _apart(
    speech: Sequence[Sound], names: Sequence[str], option_name: str
) -> tuple[list[Sound], list[Sound]]:
    """The recordings of the other speakers, and of those named; where none is named, of one in six."""
    speakers = speakers_of(speech)
    for name in names:
        if name not in speakers:
            raise InputError(
                f"option {option_name}: there is no speaker {name!r}; there are {', '.join(speakers)}."
            )
    chosen = set(names or speakers[-1::-6])
    if len(chosen) == len(speakers):
        raise InputError(
            f"option {option_name}: of {len(speakers)} speakers nobody is left to learn from. Give "
            "recordings of three speakers or more, and say who speaks: with speaker_pattern, or in SPEAKER/ "
            "folders."
        )
    return [s for s in speech if s.speaker not in chosen], [s for s in speech if s.speaker in chosen]
