"""Where the speech of a recogniser comes from, and which of it is learned from."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch

from edgernn.errors import InputError
from edgernn.training.options import TrainingOptions, option
from edgernn.training.recipe import locate_data
from edgernn.training.records import read_lines
from edgernn.training.sounds import Sound, name_filter, read_sounds, spelled
from edgernn.training.splits import split_labelled
from edgernn.training.spoken_texts import number_texts, sentence_texts
from edgernn.training.utterances import JoinedWords, Utterance, has_transcripts, read_utterances
from edgernn.training.voices import spoken_texts, voices
from edgernn.training.whistles import make_pitches

MADE = "made"

ItemT = TypeVar("ItemT")


@dataclass(frozen=True)
class SpeechOptions(TrainingOptions):
    """Options of recipes that learn to write speech down."""

    test_data: str = option("", "Data that are only scored; without it a share of the data is put aside.")
    validation_data: str = option("", "Data that choose the epoch; without it a share is put aside.")
    test_size: float = option(0.1, "Share of the data put aside for the scores.", above=0, below=1)
    validation_size: float = option(0.1, "Share of the rest put aside to choose the epoch.", above=0, below=1)
    split_seed: int = option(0, "Seed of what is put aside; apart from the seed of training.", minimum=0)
    encoding: str = option("utf-8", "Encoding of the texts.")
    file_column: str = option("file", "Column of a table that names the sound files.")
    text_column: str = option("text", "Column of a table that holds the texts.")
    data_root: str = option("", "Folder that a table's sound files are named from; none: the table's own.")
    sentences: str = option(
        "", "What espeak-ng says in the place of recordings: a file with a text a line, or made."
    )
    sentence_count: int = option(1200, "Of made sentences: how many.", minimum=20)
    sentence_voices: int = option(
        40, "Of sentences: voices that say them, some of which are only scored.", minimum=8
    )
    lower: bool = option(True, "Whether texts are learned in small letters.")
    label_pattern: str = option("", "Of single words: expression whose first group in a name is the word.")
    speaker_pattern: str = option("", "Of single words: the same for who speaks.")
    test_pattern: str = option("", "Of single words: expression found in the names of the files to score.")
    spell: bool = option(True, "Of single words: whether the labels 0 to 9 are written as words.")
    shortest: int = option(3, "Of single words: words of a text, at least.", minimum=1)
    longest: int = option(7, "Of single words: words of a text, at most.", minimum=1)
    texts: int = option(150, "Of single words: texts that are scored, and that choose the epoch.", minimum=1)
    sample_rate: float | None = option(None, "Samples a second; none: the recordings' own.", above=0)


class Speech(NamedTuple):
    """Recordings with texts.

    Attributes:
        train, validation, test: the parts.
        joined: of single words: what joins other texts of the training part each time; else None.
        sample_rate: samples a second.
        source: where they come from, for people.
    """

    train: list[Utterance]
    validation: list[Utterance]
    test: list[Utterance]
    joined: JoinedWords | None
    sample_rate: float
    source: str


def read_speech(options: SpeechOptions, data: Path | None, sample_rate: float | None) -> Speech:
    """Read and split what the options name; for want of data, whistles.

    Raises:
        InputError: what is missing or broken.
        MissingDependencyError: soundfile, soxr or espeak-ng is needed and not installed.
    """
    if options.longest < options.shortest:
        raise InputError(
            f"option longest: must be at least shortest ({options.shortest}), found {options.longest}."
        )
    if options.sentences:
        if data is not None:
            raise InputError("option sentences: espeak-ng says these; leave out the data, or the option.")
        return _say_sentences(options, sample_rate or 16000.0)
    if data is not None and has_transcripts(data):
        return _read_texts(options, data, sample_rate)
    return _read_words(options, data, sample_rate)


def _say_sentences(options: SpeechOptions, rate: float) -> Speech:
    """Neither the texts nor the voices of one part are in another."""
    seed = options.split_seed
    if options.sentences == MADE:
        scored = max(8, options.sentence_count // 5)
        texts = _made_texts(options.sentence_count - scored, seed, False)
        aside = _made_texts(scored, seed + 1, True)
        parts = [texts, aside[1::2], aside[::2]]
        told = "numbers and sentences"
    else:
        path = locate_data(options.sentences)
        assert path is not None
        lines = [line for _, line in read_lines(path, options.encoding)]
        lines = list(dict.fromkeys(line.lower() if options.lower else line for line in lines))
        rest, test = _aside(lines, options.test_size, seed)
        parts = [*_aside(rest, options.validation_size, seed), test]
        told = f"lines of {path}"
    people = voices(options.sentence_voices, seed)
    of_part = ([p for n, p in enumerate(people) if n % 5 and n % 10 != 1], people[1::10], people[::5])
    said = [
        list(spoken_texts(part, own, seed, rate)) for part, own in zip(parts, of_part, strict=True)
    ]  # fmt: skip
    source = f"{sum(map(len, parts))} {told} that espeak-ng says in {len(people)} voices"
    return Speech(said[0], said[1], said[2], None, rate, source)


def _made_texts(count: int, seed: int, scored: bool) -> list[str]:
    numbers = number_texts(count // 2, seed, scored)
    both = numbers + sentence_texts(count - len(numbers), seed, scored)
    random.Random(seed).shuffle(both)
    return both


def _read_texts(options: SpeechOptions, data: Path, rate: float | None) -> Speech:
    def read(path: Path, rate: float | None) -> tuple[list[Utterance], float]:
        found, rate = read_utterances(
            path,
            rate,
            file_column=options.file_column,
            text_column=options.text_column,
            data_root=locate_data(options.data_root or None),
            encoding=options.encoding,
        )
        if options.lower:
            found = [Utterance(u.samples, u.text.lower(), u.where) for u in found]
        return found, rate

    def aside(items: list[Utterance], name: str, share: float) -> tuple[list[Utterance], list[Utterance]]:
        if name:
            path = locate_data(name)
            assert path is not None
            return items, read(path, rate)[0]
        return _aside(items, share, options.split_seed)

    found, rate = read(data, rate)
    rest, test = aside(found, options.test_data, options.test_size)
    train, validation = aside(rest, options.validation_data, options.validation_size)
    count = len(train) + len(validation) + len(test)
    return Speech(train, validation, test, None, rate, f"{count} recordings with texts in {data}")


def _aside(items: list[ItemT], share: float, seed: int) -> tuple[list[ItemT], list[ItemT]]:
    order = torch.randperm(len(items), generator=torch.Generator().manual_seed(seed))
    put = set(order[: max(1, round(share * len(items)))].tolist())
    if len(put) >= len(items):
        raise InputError(f"data: {len(items)} texts are too few to put any aside.")
    return [item for n, item in enumerate(items) if n not in put], [items[n] for n in sorted(put)]


def _read_words(options: SpeechOptions, data: Path | None, rate: float | None) -> Speech:
    if data is None:
        rate = rate or 8000.0
        words = make_pitches(4, 8, options.split_seed, rate)
        source = "whistles that this recipe makes, for want of recordings, joined; name yours with --data"
    else:
        words, rate = read_sounds(
            data, rate, label_pattern=options.label_pattern, speaker_pattern=options.speaker_pattern
        )
        source = f"{len(words)} recordings of single words in {data}, joined"
    if options.spell:
        words = [Sound(word.samples, spelled(word.label), word.speaker, word.where) for word in words]
    if options.test_pattern:
        chosen = name_filter(options.test_pattern, "test_pattern")
        test = [word for word in words if chosen(word)]
        rest = [word for word in words if not chosen(word)]
    else:
        rest, test = _apart(words, options.test_size, options.split_seed)
    train, validation = _apart(rest, options.validation_size, options.split_seed)
    if not train or not validation or not test:
        raise InputError(
            f"data: {len(words)} words leave {len(train)} to learn from, {len(validation)} to choose the "
            f"epoch and {len(test)} to score. Give more, or change test_pattern, test_size, validation_size."
        )
    joined = [
        JoinedWords(part, rate, options.shortest, options.longest) for part in (train, validation, test)
    ]
    parts = [_once(joined[0], options), *(_fixed(part, options) for part in joined[1:])]
    return Speech(parts[0], parts[1], parts[2], joined[0], rate, source)


def _apart(words: list[Sound], share: float, seed: int) -> tuple[list[Sound], list[Sound]]:
    kept, put = split_labelled([word.label for word in words], share, seed)
    return [words[n] for n in kept], [words[n] for n in put]


def _once(words: JoinedWords, options: SpeechOptions) -> list[Utterance]:
    """A text that begins with each word, the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.split_seed)
        return [words.draw(number) for number in range(len(words))]


def _fixed(words: JoinedWords, options: SpeechOptions) -> list[Utterance]:
    """Texts that are the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.split_seed)
        return [words.draw(int(torch.randint(len(words), ()))) for _ in range(options.texts)]
