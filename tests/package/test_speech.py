"""SpeechSynthesizer on networks that are plain functions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgernn.errors import InputError, ModelError
from edgernn.speech import SpeechSynthesizer, frame_places, text_numbers, whole_frames

VOCABULARY = ("<other>", " ", "a", "b", "c")


def voice(duration: float = 2.0) -> SpeechSynthesizer:
    """Each sample of a frame is the number of its character; the pitch and the noise are added."""
    return SpeechSynthesizer(
        lambda numbers: (numbers[..., None].astype(np.float32), np.full(numbers.shape, np.log(duration))),
        lambda: lambda x: (x[..., :1], np.full_like(x[..., :1], 0.25)),
        lambda: lambda mel, pitch, noise: ((mel + pitch + 0 * noise).repeat(3, axis=1)[..., 0],),
        vocabulary=VOCABULARY,
        sample_rate=300,
        noise_size=1,
    )


@pytest.mark.parametrize("text", ["ab c", "  AB\n c ", "ab\tc"])
def test_a_text_becomes_numbers_with_silence_around(text: str) -> None:
    assert text_numbers(text, VOCABULARY) == [1, 2, 3, 1, 4, 1]


def test_capitals_stay_where_they_are_known() -> None:
    assert text_numbers("aB", (*VOCABULARY, "B")) == [1, 2, 5, 1]
    with pytest.raises(InputError, match="never learned to say 'A'"):
        text_numbers("Aa", (*VOCABULARY, "B"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "text: it is empty"),
        (" \n", "text: it is empty"),
        ("a z b ß", "never learned to say 'z', 'ß'; it knows 'abc'"),
        ("7a", "'7'.*Write numbers in words"),
        ("<other>", "never learned to say '<', '>'"),
    ],
)
def test_what_cannot_be_said_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        voice().say(text)


@pytest.mark.parametrize(
    "way", [{"pitch": 0.4}, {"pitch": float("nan")}, {"speed": 2.1}, {"speed": 0.0}, {"chunk": 0}]
)
def test_what_a_voice_does_not_do_is_refused_at_once(way: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(way))):
        voice().stream("a", **way)


def test_ends_are_rounded_and_not_durations() -> None:
    durations = np.full(10, 1.26)
    whole = whole_frames(durations)
    assert whole.sum() == 13
    assert np.abs(np.cumsum(whole) - np.cumsum(durations)).max() <= 0.5


def test_frames_know_their_symbol_and_their_place() -> None:
    symbols, places = frame_places(np.array([2, 0, 1, 4]))
    assert symbols.tolist() == [0, 0, 2, 3, 3, 3, 3]
    np.testing.assert_allclose(places[:, 0], [0.25, 0.75, 0.5, 0.125, 0.375, 0.625, 0.875])
    np.testing.assert_allclose(places[:, 1], np.log([2, 2, 1, 4, 4, 4, 4]), rtol=1e-6)


def test_frames_last_as_long_as_they_should_and_pitch_is_raised() -> None:
    said = voice().say("ab")
    assert said.tolist() == np.repeat([1.25, 2.25, 3.25, 1.25], 6).tolist()
    assert len(voice().say("ab", speed=2.0)) == len(said) // 2
    assert voice().say("ab", pitch=2.0).tolist() == (said + 0.25).tolist()


def test_a_voice_without_measure_ends() -> None:
    assert len(voice(duration=1e9).say("a")) == 3 * 400 * 3
    with pytest.raises(ModelError, match="no time at all"):
        voice(duration=1e-9).say("a")


def test_a_network_that_is_no_voice_is_refused() -> None:
    session = SimpleNamespace(manifest=SimpleNamespace(vocabulary=VOCABULARY))
    network = SimpleNamespace(session=lambda name: session, settings={"sample_rate": 8000}, folder="v")
    with pytest.raises(ModelError, match="does not say its noise_size"):
        SpeechSynthesizer.of(network)
