"""Where speech comes from: parts that share nothing, and what does not fit is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from edgernn.errors import InputError, MissingDependencyError
from edgernn.training import voices
from edgernn.training.speech_data import Speech, SpeechOptions, read_speech
from edgernn.training.voices import PROGRAM, Voice, speak, spoken_texts

espeak = pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="needs espeak-ng (see README.md)")


def texts(speech: Speech) -> list[list[str]]:
    return [[item.text for item in part] for part in (speech.train, speech.validation, speech.test)]


def speakers(speech: Speech) -> list[set[str]]:
    """The voices of each part."""
    parts = (speech.train, speech.validation, speech.test)
    return [{item.where.rpartition("the voice ")[2] for item in part} for part in parts]


@espeak
@pytest.mark.parametrize("kind", ["made", "file"])
def test_neither_texts_nor_voices_are_in_two_parts(kind: str, tmp_path: Path) -> None:
    lines = [f"Number {first} {second}" for first in ("one", "two") for second in "ABCDEFGHIJ"]
    (tmp_path / "lines.txt").write_text("\n".join([*lines, "", lines[0]]))
    options = SpeechOptions(
        sentences="made" if kind == "made" else str(tmp_path / "lines.txt"),
        sentence_count=40,
        sentence_voices=10,
        test_size=0.2,
        validation_size=0.2,
    )
    speech = read_speech(options, None, 8000.0)
    assert [len(part) for part in texts(speech)] == ([32, 4, 4] if kind == "made" else [13, 3, 4])
    if kind == "file":
        assert sorted(text for part in texts(speech) for text in part) == sorted(
            line.lower() for line in lines
        )
    for parts in (list(map(set, texts(speech))), speakers(speech)):
        assert all(parts)
        assert sum(map(len, parts)) == len(set.union(*parts))
    assert "that espeak-ng says in 10 voices" in speech.source
    assert all(0.3 * 8000 < len(item.samples) < 12 * 8000 for item in speech.train)
    again = read_speech(options, None, 8000.0)
    assert texts(again) == texts(speech)
    assert torch.equal(again.test[0].samples, speech.test[0].samples)


@espeak
def test_texts_are_said_by_the_voices_that_are_given() -> None:
    people = [Voice("en-us+m1", 200, 40), Voice("en-gb+f3", 130, 60)]
    said = list(spoken_texts(["go on", "stop", "go on", "turn"], people, 3, 8000.0))
    assert [item.text for item in said] == ["go on", "stop", "go on", "turn"]
    for item in said:
        (voice,) = (person for person in people if person.name in item.where)
        assert torch.equal(item.samples, speak(item.text, voice, 8000.0))
    assert {item.where.rpartition(" ")[2] for item in said} == {"en-us+m1", "en-gb+f3"}


def test_what_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.txt").write_text("Only this\n")
    for options, data, complaint in (
        ({"sentences": "made"}, tmp_path, "espeak-ng says these; leave out the data"),
        ({"sentences": "none.txt"}, None, "nothing at 'none.txt'"),
        ({"sentences": str(tmp_path / "one.txt")}, None, "1 texts are too few"),
        ({"shortest": 4, "longest": 3}, None, "must be at least shortest"),
    ):
        with pytest.raises(InputError, match=complaint):
            read_speech(SpeechOptions(**options), data, None)
    monkeypatch.setattr(voices.shutil, "which", lambda name: None)
    with pytest.raises(MissingDependencyError, match="apt install espeak-ng"):
        read_speech(SpeechOptions(sentences="made"), None, None)
