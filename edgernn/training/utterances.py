"""Recordings of speech with what is said: read from the user's files, or joined from single words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from edgernn.errors import InputError
from edgernn.sound import SOUND_SUFFIXES, is_sound, read_sound
from edgernn.training.records import file_below, read_lines, read_records, text_value
from edgernn.training.sounds import Sound

# A recording that keeps to LibriSpeech: a line of these files is its name and what is said.
_TRANSCRIPTS = "*.trans.txt"
# One that keeps to LJSpeech: name|text|normalised text, the sounds in wavs/.
_METADATA, _SOUNDS = "metadata.csv", "wavs"
# What stands for the folder of the sounds in annotations as SpeechBrain has them.
_ROOT = "{data_root}/"


@dataclass(frozen=True, eq=False)
class Utterance:
    """One recording.

    Attributes:
        samples: (samples,) float32 within ±1.
        text: what is said.
        where: the file.
    """

    samples: Tensor
    text: str
    where: str


def has_transcripts(path: Path) -> bool:
    """Whether a file or folder holds recordings with texts, and not a folder for each word."""
    return path.is_file() or (path / _METADATA).is_file() or any(path.rglob(_TRANSCRIPTS))


def read_utterances(
    path: Path,
    sample_rate: float | None = None,
    *,
    file_column: str = "file",
    text_column: str = "text",
    data_root: Path | None = None,
    encoding: str = "utf-8",
) -> tuple[list[Utterance], float]:
    """Read recordings with texts.

    Args:
        path: a .csv, .tsv, .jsonl or .json file with a column of sound files and one of texts; a
            folder as LibriSpeech has it (*.trans.txt files beside the sounds); or one as LJSpeech has it
            (metadata.csv and wavs/).
        sample_rate: samples a second; None: those of the first recording.
        file_column, text_column: names of the columns.
        data_root: of a table: the folder that sound files are named from, and must lie in; None: the table's.
            SpeechBrain's annotations call it {data_root}.
        encoding: of the texts.

    Returns:
        The recordings, and their sample rate.

    Raises:
        InputError: what is missing or broken, with the line.
        MissingDependencyError: soundfile is not installed.
    """
    if path.is_file():
        records = read_records(path, (file_column, text_column), encoding)
        root = path.parent if data_root is None else data_root
        way_out = ", or another folder with data_root"
        named = [(file_below(root, record, file_column, _ROOT, way_out), text_value(record, text_column),
                  record.where) for record in records]  # fmt: skip
    elif (path / _METADATA).is_file():
        named = _as_ljspeech(path, encoding)
    else:
        named = _as_librispeech(path, encoding)
    found, rate = [], sample_rate
    for file, text, where in named:
        samples, rate = read_sound(file, rate, f"data: {where}")
        found.append(Utterance(torch.from_numpy(samples), " ".join(text.split()), where))
    assert rate is not None
    return found, rate


def _as_ljspeech(folder: Path, encoding: str) -> list[tuple[Path, str, str]]:
    found = []
    for line, content in read_lines(folder / _METADATA, encoding):
        where = f"{str(folder / _METADATA)!r}, line {line}"
        cells = content.split("|")
        if len(cells) < 2 or not cells[-1].strip():
            raise InputError(f"data: {where}: expected name|text, found {content!r}.")
        found.append((_named(folder / _SOUNDS, cells[0], where), cells[-1], where))
    return found


def _as_librispeech(folder: Path, encoding: str) -> list[tuple[Path, str, str]]:
    found = []
    for transcript in sorted(folder.rglob(_TRANSCRIPTS)):
        for line, content in read_lines(transcript, encoding):
            where = f"{str(transcript)!r}, line {line}"
            name, _, text = content.strip().partition(" ")
            if not text.strip():
                raise InputError(f"data: {where}: expected a name, a space and a text, found {content!r}.")
            found.append((_named(transcript.parent, name, where), text, where))
    if not found:
        raise InputError(
            f"data: the folder {str(folder)!r} holds neither {_TRANSCRIPTS} files nor {_METADATA}."
        )
    return found


def _named(folder: Path, name: str, where: str) -> Path:
    """The sound file of that name, whatever its format."""
    if Path(name).name != name:
        raise InputError(f"data: {where}: {name!r} is no name of a recording.")
    found = [file for file in sorted(folder.glob(f"{name}.*")) if is_sound(file) and file.stem == name]
    if not found:
        raise InputError(
            f"data: {where}: there is no recording {name!r} in {str(folder)!r} ({', '.join(SOUND_SUFFIXES)})."
        )
    return found[0]


class JoinedWords:
    """Texts of single words, said by one speaker after the other words: joined with pauses between them.

    Random numbers come from torch's global generator.

    Args:
        words: recordings of single words.
        sample_rate: samples a second.
        shortest, longest: words of a text.
        pause: longest pause between two words in seconds.
    """

    def __init__(
        self, words: Sequence[Sound], sample_rate: float, shortest: int, longest: int, pause: float = 0.3
    ) -> None:
        self.words, self.sample_rate, self.pause = list(words), sample_rate, pause
        self.shortest, self.longest = shortest, longest
        self._of: dict[str, list[int]] = {}
        for number, word in enumerate(self.words):
            self._of.setdefault(word.speaker, []).append(number)

    def __len__(self) -> int:
        return len(self.words)

    def draw(self, index: int) -> Utterance:
        """A text that begins with that word, by its speaker."""
        first = self.words[index]
        others = self._of[first.speaker]
        count = int(torch.randint(self.shortest, self.longest + 1, ()))
        chosen = [first, *(self.words[others[int(torch.randint(len(others), ()))]] for _ in range(count - 1))]
        parts: list[Tensor] = []
        for word in chosen:
            silence = round(self.pause * self.sample_rate * float(torch.rand(())))
            parts += [torch.zeros(silence), word.samples]
        parts.append(torch.zeros(round(0.2 * self.sample_rate)))
        return Utterance(torch.cat(parts), " ".join(word.label for word in chosen), first.where)
