"""Labelled sounds, the streams that are made of them, and what a spotter finds in these."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from edgernn.errors import InputError, MissingDependencyError
from edgernn.models import KeywordSpotter
from edgernn.sound import write_sound
from edgernn.training import voices
from edgernn.training.noises import background, coloured_noise, mix
from edgernn.training.sounds import read_backgrounds, read_sounds
from edgernn.training.whistles import WHISTLES, make_whistles
from edgernn.training.word_streams import Streams, choose_threshold, count_found, make_streams
from edgernn.training.word_windows import (
    IGNORED,
    FixedWindows,
    WindowOptions,
    WordWindows,
    frame_classes,
    spoken_part,
)

RATE = 8000
OPTIONS = WindowOptions(sample_rate=RATE, frame=256, hop=128, seconds=2.0, unknown=2, silence=3)


def write(file: Path, pitch: float = 440.0, rate: int = RATE) -> None:
    write_sound(file, 0.5 * np.sin(2 * np.pi * pitch * np.arange(rate // 4) / rate), rate)


def test_the_label_is_the_folder_or_in_the_name(tmp_path: Path) -> None:
    write(tmp_path / "yes" / "anna_0.wav")
    write(tmp_path / "no" / "ben_0.wav", rate=16000)
    write(tmp_path / "_background_noise_" / "room.wav")
    sounds, rate = read_sounds(tmp_path, speaker_pattern="^(.+)_")
    assert rate == 16000
    assert [(s.label, s.speaker) for s in sounds] == [("no", "ben"), ("yes", "anna")]
    # Both are resampled to the first one's rate.
    assert [len(s.samples) for s in sounds] == [4000, 4000]
    assert [len(samples) for samples in read_backgrounds(tmp_path, RATE)] == [2000]
    flat, _ = read_sounds(tmp_path, RATE, label_pattern="^(.+?)_")
    assert [s.label for s in flat] == ["ben", "anna"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "holds no LABEL/ folders"),
        ({"label_pattern": "("}, "no regular expression"),
        ({"label_pattern": "a"}, "no group in parentheses"),
        ({"label_pattern": "^x(.)"}, r"flat.wav.*does not match label_pattern"),
    ],
)
def test_a_folder_that_does_not_fit_is_refused(
    options: dict[str, str], complaint: str, tmp_path: Path
) -> None:
    write(tmp_path / "flat.wav")
    with pytest.raises(InputError, match=complaint):
        read_sounds(tmp_path, **options)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    write(tmp_path / "yes" / "a.wav")
    (tmp_path / "yes" / "b.wav").write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"yes/b\.wav"):
        read_sounds(tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        read_sounds(tmp_path / "yes" / "a.wav")


def test_noise_has_its_colour_and_is_as_loud_as_asked() -> None:
    torch.manual_seed(0)
    for exponent in (0.0, 1.0, 2.0):
        power = torch.fft.rfft(coloured_noise(1 << 16, exponent)).abs().square()
        low, high = power[64:128].mean(), power[4096:8192].mean()
        slope = math.log2(float(low / high)) / 6  # six octaves apart
        assert slope == pytest.approx(exponent, abs=0.1)
    speech = torch.cat([torch.zeros(500), torch.ones(500)])
    noise = mix(speech, coloured_noise(1000, 0.0), 6.0) - speech
    assert 10 * math.log10(1 / float(noise.square().mean())) == pytest.approx(6.0, abs=0.1)


def test_recorded_backgrounds_are_used() -> None:
    torch.manual_seed(0)
    recording = torch.arange(300.0)
    drawn = [background(100, [recording]) for _ in range(40)]
    ramps = [noise for noise in drawn if bool((noise.diff() > 0).float().mean() > 0.95)]
    assert 10 < len(ramps) < 30


def test_silence_around_a_word_is_cut_off() -> None:
    word = torch.cat([torch.zeros(800), torch.ones(400), torch.zeros(1600)])
    assert bool((spoken_part(word, RATE) == 1).all())
    assert len(spoken_part(word, RATE)) == 400
    assert len(spoken_part(torch.zeros(100), RATE)) == 100


def test_frames_are_named_from_the_end_of_a_word_until_the_next() -> None:
    classes = frame_classes([(1600, 4800, 0), (5600, 8000, 1)], OPTIONS)
    ends = np.arange(len(classes)) * OPTIONS.hop + OPTIONS.frame
    named = {cls: ends[classes.numpy() == cls] / RATE for cls in (0, 1, IGNORED, OPTIONS.silence)}
    # Word 0 ends at 0.6 s; word 1 begins at 0.7 s, within the time in which word 0 is named.
    assert named[0].min() == pytest.approx(0.52, abs=0.016)
    assert named[0].max() == pytest.approx(0.70, abs=0.016)
    assert named[1].min() == pytest.approx(0.92, abs=0.016)
    assert named[1].max() == pytest.approx(1.28, abs=0.017)
    assert named[OPTIONS.silence].min() < 0.2
    assert named[OPTIONS.silence][named[OPTIONS.silence] > 0.2].min() == pytest.approx(1.43, abs=0.016)


def windows(**changes: object) -> WordWindows:
    words = [sound.samples for sound in make_whistles(2, 0, RATE)]
    return WordWindows(words, [0, 1, 2] * 2, replace(OPTIONS, **changes))


def test_windows_differ_and_a_seed_repeats_them() -> None:
    data = windows(noise=(10.0, 20.0))
    assert not torch.equal(data[0][0], data[0][0])
    first, second = (FixedWindows(data, seed=1) for _ in range(2))
    state = torch.random.get_rng_state()
    assert torch.equal(first[2][0], second[2][0])
    assert not torch.equal(first[2][0], FixedWindows(data, seed=2)[2][0])
    assert torch.equal(state, torch.random.get_rng_state())
    samples, classes = first[0]
    assert (samples.shape, classes.shape) == ((16000,), ((16000 - 256) // 128 + 1,))


def test_words_played_backwards_are_unknown() -> None:
    torch.manual_seed(0)
    classes = [cls for n in range(20) for _, _, cls in windows(reversed_share=0.999).draw(n % 6).words]
    assert set(classes) == {2}


def test_a_word_longer_than_the_window_is_cut() -> None:
    data = WordWindows([torch.ones(50000)], [0], OPTIONS)
    ((start, end, _),) = data.draw(0).words
    assert 0 <= start < end <= 16000


def spikes(streams: Streams, late: float, misses: int = 0) -> torch.Tensor:
    """Probabilities of a spotter that names every word `late` seconds after its end, but for some."""
    frames = (streams.samples.shape[1] - 256) // 128 + 1
    probabilities = torch.zeros(len(streams.words), frames, 4)
    probabilities[..., -1] = 1.0
    for row, words in enumerate(streams.words):
        for _, end, cls in words[misses:]:
            frame = round((end + late * RATE - 256) / 128)
            probabilities[row, frame : frame + 3] = torch.eye(4)[cls] * 0.9
    return probabilities


def test_what_is_found_missed_and_made_up_is_counted() -> None:
    words = [sound.samples for sound in make_whistles(4, 0, RATE)]
    streams = make_streams(words, [0, 1, 2] * 4, OPTIONS, minutes=2, seed=0)
    said = sum(cls < 2 for row in streams.words for *_, cls in row)
    assert streams.hours == pytest.approx(2 / 60)

    def count(late: float, threshold: float = 0.5, misses: int = 0) -> tuple[int, int, int]:
        found = count_found(spikes(streams, late, misses), streams, threshold)
        return found.said, found.right, found.false

    assert count(0.1) == (said, said, 0)
    assert count(0.1, threshold=0.95) == (said, 0, 0)
    missed = sum(cls < 2 for row in streams.words for *_, cls in row[:3])
    assert count(0.1, misses=3) == (said, said - missed, 0)
    # Named too late, a word is missed, and the name is a false one.
    _, right, false = count(0.9)
    assert right < said / 2 < false


def test_the_threshold_is_the_lowest_that_keeps_the_rate() -> None:
    words = [sound.samples for sound in make_whistles(4, 0, RATE)]
    streams = make_streams(words, [2] * 12, OPTIONS, minutes=2, seed=0)
    probabilities = spikes(streams, 0.1)
    probabilities[..., 0] = probabilities[..., 2] * torch.linspace(0.5, 1.0, probabilities.shape[1])
    probabilities[..., 2] = 0.0
    lowest = choose_threshold(probabilities, streams, per_hour=1e9)
    strict = choose_threshold(probabilities, streams, per_hour=0)
    assert lowest == pytest.approx(0.3)
    assert 0.8 < strict < 0.95
    assert count_found(probabilities, streams, strict).false == 0
    assert count_found(probabilities, streams, strict - 0.05).false > 0


def test_whistles_rise_and_fall() -> None:
    for sound in make_whistles(3, 1, RATE):
        halves = sound.samples.chunk(2)
        first, second = (float(torch.fft.rfft(half).abs().argmax()) / len(half) for half in halves)
        if sound.label != "level":
            assert (second > first) == (WHISTLES[sound.label] > 1), sound


def test_a_spotter_s_output_is_its_probability_above_the_threshold() -> None:
    torch.manual_seed(0)
    model = KeywordSpotter(classes=3, sample_rate=RATE, frame=256, hop=128, bands=20, hidden_size=8).eval()
    model.threshold.fill_(0.4)
    samples = torch.randn(2, 4000)
    probabilities, scores = model.probabilities(samples), model(samples)
    torch.testing.assert_close(scores[..., :2], probabilities[..., :2] - 0.4)
    assert bool((scores[..., 2] == 0).all())
    for arguments, complaint in (({"classes": 1}, "2 or more"), ({"normalization": "none"}, "'running'")):
        with pytest.raises(InputError, match=complaint):
            KeywordSpotter(**{"classes": 3, "sample_rate": RATE, "bands": 20, **arguments})


def test_without_espeak_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices.shutil, "which", lambda name: None)
    with pytest.raises(MissingDependencyError, match="apt install espeak-ng"):
        voices.find_program()


@pytest.mark.skipif(voices.shutil.which(voices.PROGRAM) is None, reason="needs espeak-ng (see README.md)")
def test_espeak_says_words_in_different_voices() -> None:
    first, second = list(voices.spoken_words(("stop",), 2, 0, RATE))
    assert (first.label, first.speaker, second.speaker) == ("stop", "voice 0", "voice 1")
    assert 0.1 * RATE < len(spoken_part(first.samples, RATE)) < 2 * RATE
    assert not torch.equal(first.samples[:1000], second.samples[:1000])
    with pytest.raises(InputError, match="does not say ''"):
        voices.speak("", voices.Voice("en-us+f1"), RATE)
