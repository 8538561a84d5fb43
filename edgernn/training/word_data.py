"""Where the words of a keyword spotter come from, and which of them are learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from edgernn.errors import InputError
from edgernn.training.classification import ClassifierOptions
from edgernn.training.options import option
from edgernn.training.recipe import locate_data
from edgernn.training.sounds import Sound, name_filter, read_backgrounds, read_sounds, speakers_of, spelled
from edgernn.training.splits import split_in_three
from edgernn.training.spoken_words import make_words
from edgernn.training.voices import spoken_texts, spoken_words, voices
from edgernn.training.whistles import make_trills, make_whistles


@dataclass(frozen=True)
class WordOptions(ClassifierOptions):
    """Options of recipes that learn words from recordings, or for want of any from what they make."""

    keywords: tuple[str, ...] = option((), "Words to find; all others are unknown. Empty: every word.")
    words: tuple[str, ...] = option((), "Words that espeak-ng says, in the place of recordings.")
    word_voices: int = option(60, "Voices that say each of them, or people who whistle.", minimum=8)
    unknown_data: str = option("", "A folder as the data's, of words that are to be told from the keywords.")
    other_words: int = option(
        300, "Of typed words: recordings of other words, which espeak-ng says too.", minimum=0
    )
    label_pattern: str = option("", "Expression whose first group in a file's name is its word.")
    speaker_pattern: str = option("", "Expression whose first group in a file's name says who speaks.")
    test_pattern: str = option("", "Expression that is found in the names of the files to score.")
    test_speaker: str = option("", "The speaker who is held out for the scores.")
    sample_rate: float | None = option(None, "Samples a second; none: the recordings' own.", above=0)


def said_by(options: WordOptions, data: Path | None) -> str:
    """Where the words come from, for people."""
    if data is not None:
        return f"in {data}"
    if options.words:
        return "that espeak-ng says"
    return (
        "that this recipe makes (whistles, for want of recordings; name yours with --data, or type words "
        "with --set words=hello,stop)"
    )


def read_words(
    options: WordOptions, data: Path | None, sample_rate: float | None
) -> tuple[list[Sound], list[Sound], float, list[Tensor]]:
    """The recordings, those of other words, their rate, and recorded backgrounds."""
    seed, people = options.split_seed, options.word_voices
    strangers: list[Sound] = []
    backgrounds: list[Tensor] = []
    if options.words:
        if data is not None:
            raise InputError("option words: espeak-ng says these; leave out the data, or the option.")
        if len(set(options.words)) != len(options.words):
            raise InputError(f"option words: each word once, found {', '.join(options.words)}.")
        rate = sample_rate or 16000.0
        sounds = list(spoken_words(options.words, people, seed, rate))
        strangers = _other_words(options, rate)
    elif data is None:
        rate = sample_rate or 8000.0
        sounds, strangers = make_whistles(people, seed, rate), make_trills(people // 2, seed, rate)
    else:
        patterns = {"label_pattern": options.label_pattern, "speaker_pattern": options.speaker_pattern}
        sounds, rate = read_sounds(data, sample_rate, **patterns)
        backgrounds = read_backgrounds(data, rate)
    if options.unknown_data:
        path = locate_data(options.unknown_data)
        assert path is not None
        # A 7 in one folder is a seven in the other.
        keywords = set(map(spelled, options.keywords or {sound.label for sound in sounds}))
        others = [sound for sound in read_sounds(path, rate)[0] if spelled(sound.label) not in keywords]
        strangers = [*strangers, *others]
        backgrounds += read_backgrounds(path, rate)
    return sounds, strangers, rate, backgrounds


def _other_words(options: WordOptions, sample_rate: float) -> list[Sound]:
    """Words that are none of the typed ones, each once, in voices as many as theirs."""
    words = make_words(options.other_words, options.split_seed, options.words)
    people = voices(options.word_voices, options.split_seed + 1)
    said = spoken_texts(words, people, options.split_seed, sample_rate)
    return [Sound(item.samples, item.text, "", item.where) for item in said]


def split_words(
    options: WordOptions, sounds: list[Sound], data: Path | None, sample_rate: float
) -> tuple[Sequence[Sound], Sequence[Sound], Sequence[Sound]]:
    """The training, validation and test part. Made voices are kept apart, as people are."""

    def by_speaker(items: list[Sound], size: float) -> tuple[list[Sound], list[Sound]]:
        aside = set(speakers_of(items)[:: max(2, round(1 / size))])
        return [s for s in items if s.speaker not in aside], [s for s in items if s.speaker in aside]

    def other(name: str) -> list[Sound]:
        path = locate_data(name)
        assert path is not None
        patterns = {"label_pattern": options.label_pattern, "speaker_pattern": options.speaker_pattern}
        return read_sounds(path, sample_rate, **patterns)[0]

    if data is None:
        train, test = by_speaker(sounds, options.test_size)
        return (*by_speaker(train, options.validation_size), test)
    rest, test = sounds, []
    if options.test_speaker:
        speakers = speakers_of(sounds)
        if options.test_speaker not in speakers:
            raise InputError(
                f"option test_speaker: there is no speaker {options.test_speaker!r}; the speakers are "
                f"{', '.join(speakers) or 'not known (set speaker_pattern)'}."
            )
        rest = [sound for sound in sounds if sound.speaker != options.test_speaker]
        test = [sound for sound in sounds if sound.speaker == options.test_speaker]
    elif options.test_pattern:
        chosen = name_filter(options.test_pattern, "test_pattern")
        rest = [sound for sound in sounds if not chosen(sound)]
        test = [sound for sound in sounds if chosen(sound)]
        if not rest or not test:
            raise InputError(
                f"option test_pattern: {options.test_pattern!r} is found in the names of {len(test)} of "
                f"{len(sounds)} files."
            )
    return split_in_three(
        rest,
        other,
        test_data=options.test_data,
        validation_data=options.validation_data,
        test_size=options.test_size,
        validation_size=options.validation_size,
        seed=options.split_seed,
        test=test,
    )


def chosen_words(options: WordOptions, sounds: Sequence[Sound]) -> tuple[str, ...]:
    """The words to find, sorted."""
    there = sorted({sound.label for sound in sounds})
    for word in options.keywords:
        if word not in there:
            raise InputError(
                f"option keywords: there are no recordings of {word!r}; there are {', '.join(there)}."
            )
    return tuple(sorted(options.keywords or there))
