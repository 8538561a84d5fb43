"""Noisy recordings: as loud as asked for, of the kinds asked for, by speakers who are held out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from edgernn.errors import InputError
from edgernn.sound import write_sound
from edgernn.training.noise_kinds import KINDS
from edgernn.training.noises import coloured_noise, mix
from edgernn.training.noisy_speech import BABBLE, MURMUR, Mixtures, Noises, NoisySpeech, collate_padded
from edgernn.training.noisy_speech_data import HELD_OUT, NoisySpeechOptions, read_speech_parts
from edgernn.training.options import read_options
from edgernn.training.spectrograms import draw_spectrograms
from edgernn.training.whistles import make_whistles

RATE = 8000.0


def noises(*kinds: str, recorded: dict[str, list[torch.Tensor]] | None = None) -> Noises:
    voices = [sound.samples for sound in make_whistles(2, 0, RATE)]
    return Noises(kinds, RATE, recorded or {}, voices)


@pytest.mark.parametrize("kind", [*KINDS, BABBLE, MURMUR])
@pytest.mark.parametrize(("samples", "rate"), [(4000, 8000.0), (4001, 16000.0), (7, 8000.0)])
def test_every_kind_is_a_noise_of_standard_deviation_one(kind: str, samples: int, rate: float) -> None:
    voices = [sound.samples for sound in make_whistles(2, 0, rate)]
    source = Noises([kind], rate, {}, voices)
    first, second = source.draw(kind, samples), source.draw(kind, samples)
    assert first.shape == (samples,)
    assert first.dtype == torch.float32
    assert bool(torch.isfinite(first).all())
    assert float(first.std()) == pytest.approx(1, abs=1e-3)
    assert not torch.equal(first, second)
    torch.manual_seed(3)
    again = source.draw(kind, samples)
    torch.manual_seed(3)
    assert torch.equal(source.draw(kind, samples), again)


def test_an_engine_hums_low_and_rain_hisses_high() -> None:
    def centre(kind: str) -> float:
        power = torch.fft.rfft(noises(kind).draw(kind, 16000)).abs().square()
        return float((power * torch.arange(len(power))).sum() / power.sum() * RATE / 16000)

    assert centre("engine") < 1000 < centre("rain")


def test_speech_is_so_much_louder_than_noise_over_all_of_it() -> None:
    speech = torch.cat([torch.randn(3000), torch.zeros(5000)])
    for decibels in (-5.0, 0.0, 12.5):
        noise = mix(speech, coloured_noise(8000, 1.0), decibels, pauses=True) - speech
        ratio = 10 * (speech.square().mean() / noise.square().mean()).log10()
        assert float(ratio) == pytest.approx(decibels, abs=1e-3)
        # Where pauses do not count, noise is as loud as speech is where it is.
        noise = mix(speech, coloured_noise(8000, 1.0), decibels) - speech
        ratio = 10 * (speech[:3000].square().mean() / noise.square().mean()).log10()
        assert float(ratio) == pytest.approx(decibels, abs=1e-3)


def test_a_recorded_kind_is_a_stretch_of_its_recordings() -> None:
    recording = torch.arange(50.0)
    drawn = noises("fridge", recorded={"fridge": [recording]}).draw("fridge", 120)
    steps = drawn.diff()
    rising = steps[steps > 0]
    torch.testing.assert_close(rising, rising[:1].expand(len(rising)), atol=1e-4, rtol=0)
    assert int((steps < 0).sum()) in (2, 3)  # where it begins again


def test_what_is_learned_from_is_another_one_each_time() -> None:
    speech = make_whistles(3, 0, RATE)
    part = NoisySpeech(speech, noises("white", "hum"), 1.5, (0.0, 10.0), speed=0.2)
    assert len(part) == len(speech)
    pairs = [part[4] for _ in range(3)]
    for noisy, clean in pairs:
        assert noisy.shape == clean.shape == (12000,)
        assert float(noisy.abs().max()) <= 1
        ratio = 10 * (clean.square().sum() / (noisy - clean).square().sum()).log10()
        assert -0.1 <= float(ratio) <= 10.1
    assert not torch.equal(pairs[0][1], pairs[1][1])


def test_a_microphone_s_colour_raises_and_lowers_frequencies() -> None:
    speech = make_whistles(3, 0, RATE)

    def clean(colour: float) -> torch.Tensor:
        torch.manual_seed(5)
        return NoisySpeech(speech, noises("white"), 1.0, (0.0, 0.0), colour=colour, quietest=0.0)._clean(2)

    spectra = [torch.fft.rfft(clean(colour)).abs() for colour in (0.0, 10.0)]
    there = spectra[0] > 1e-3 * spectra[0].max()
    change = 20 * (spectra[1][there] / spectra[0][there]).log10()
    assert float(change.abs().max()) <= 10.1
    assert float(change.max() - change.min()) > 3


def test_mixtures_are_the_same_each_time() -> None:
    speech = make_whistles(3, 0, RATE)

    def made(seed: int) -> Mixtures:
        return Mixtures(speech, noises("white", "rain"), (0.0, 5.0), 2, seed, 1.0)

    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = made(0)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    for one, other in zip(first.mixtures, made(0).mixtures, strict=True):
        assert torch.equal(one.noisy, other.noisy)
    assert not torch.equal(first[0][0], made(1)[0][0])
    assert [(m.noise, m.decibels) for m in first.mixtures[::2]] == [
        ("white", 0.0), ("white", 5.0), ("rain", 0.0), ("rain", 5.0),
    ]  # fmt: skip
    for mixture in first.mixtures:
        power = [float(part.square().sum()) for part in (mixture.clean, mixture.noisy - mixture.clean)]
        assert 10 ** (mixture.decibels / 10) == pytest.approx(power[0] / power[1], rel=1e-3)
        assert len(mixture.noisy) <= RATE
    noisy, clean = collate_padded([first[0], first[3]])
    assert noisy.shape == clean.shape == (2, max(len(first[0][0]), len(first[3][0])))


def speech_folder(folder: Path) -> Path:
    for sound in make_whistles(4, 0, RATE):
        name = f"{sound.speaker.replace(' ', '')}_{sound.label}.wav"
        write_sound(folder / "speech" / name, sound.samples.numpy(), RATE)
    for kind in ("fridge", "street"):
        write_sound(folder / "noise" / kind / "a.wav", 0.1 * torch.randn(4000), RATE)
    write_sound(folder / "noise" / "lift.wav", 0.1 * torch.randn(4000), RATE)
    return folder


def read(folder: Path, **options: Any) -> Any:
    chosen = {"speaker_pattern": "^(.+)_", "noise_data": str(folder / "noise"), **options}
    return read_speech_parts(read_options(NoisySpeechOptions, chosen), folder / "speech", None)


def test_speakers_and_kinds_of_noise_are_held_out(tmp_path: Path) -> None:
    folder = speech_folder(tmp_path)
    parts = read(folder, test_speakers="whistler0,whistler2", test_noises="siren,street")
    speakers = [{s.speaker for s in part} for part in (parts.train, parts.validation, parts.test)]
    assert speakers == [{"whistler1"}, {"whistler3"}, {"whistler0", "whistler2"}]
    assert parts.unheard.kinds == ("siren", "street")
    assert set(parts.heard.kinds) == {*KINDS, BABBLE, MURMUR, "fridge", "lift"} - {"siren"}
    assert (parts.sample_rate, "3 recorded" in parts.source) == (RATE, True)
    # Nobody said who: one in six, and the usual noises.
    parts = read(folder)
    speakers = [{s.speaker for s in part} for part in (parts.train, parts.validation, parts.test)]
    assert [len(part) for part in speakers] == [2, 1, 1]
    assert not set.intersection(*speakers)
    assert parts.unheard.kinds == HELD_OUT
    assert not set(parts.heard.kinds) & set(HELD_OUT)


def test_speakers_may_be_folders_and_more_is_learned_from(tmp_path: Path) -> None:
    folder = speech_folder(tmp_path)
    for sound in make_whistles(3, 1, RATE):
        name = folder / "people" / sound.speaker / f"{sound.label}.wav"
        write_sound(name, sound.samples.numpy(), RATE)
    options = read_options(NoisySpeechOptions, {"more_data": (str(folder / "speech"),), "noise_data": ""})
    parts = read_speech_parts(options, folder / "people", None)
    assert {s.speaker for s in parts.test} == {"whistler 2"}
    assert len(parts.train) == 3 + 12


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"test_speakers": "eve"}, "no speaker 'eve'; there are whistler0"),
        ({"test_speakers": "whistler0,whistler1,whistler2,whistler3"}, "nobody is left"),
        ({"validation_speakers": "whistler3"}, "no speaker 'whistler3'"),  # who is held out already
        ({"test_noises": "lorry"}, "no kind 'lorry'; there are"),
        ({"test_noises": ()}, "at least one kind"),
        ({"noises": "rain,white"}, "rain is held out by test_noises"),
        ({"noise_data": "nowhere"}, "nothing at 'nowhere'"),
        ({"speaker_pattern": "^x(.+)"}, "does not match speaker_pattern"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(speech_folder(tmp_path), **options)


def test_folders_without_sound_are_refused(tmp_path: Path) -> None:
    folder = speech_folder(tmp_path)
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match="no sound file below"):
        read_speech_parts(read_options(NoisySpeechOptions, {}), folder / "empty", None)
    with pytest.raises(InputError, match="is no folder"):
        read_speech_parts(read_options(NoisySpeechOptions, {}), folder / "noise" / "lift.wav", None)
    write_sound(folder / "silent" / "a.wav", torch.zeros(100), RATE)
    with pytest.raises(InputError, match="is silent"):
        read_speech_parts(read_options(NoisySpeechOptions, {}), folder / "silent", None)
    with pytest.raises(InputError, match="not silent"):
        read(folder, noise_data=str(folder / "silent"))
    (folder / "noise" / "rain").mkdir()
    write_sound(folder / "noise" / "rain" / "a.wav", torch.randn(100), RATE)
    with pytest.raises(InputError, match="rain is the name of noise that is made"):
        read(folder)


def test_sounds_of_a_row_are_drawn_alike() -> None:
    tone = 0.5 * torch.sin(2 * torch.pi * 1000 * torch.arange(4000) / RATE)
    drawn = draw_spectrograms([{"loud": tone, "soft": 0.01 * tone}, {"short": tone[:9]}], RATE)
    loud, soft = (axes.get_images()[0] for axes in drawn.axes[:2])
    assert loud.get_clim() == soft.get_clim()
    spectrum = torch.from_numpy(loud.get_array().data).mean(1)
    assert int(spectrum.argmax()) == pytest.approx(1000 * 256 / RATE)
    assert float(spectrum.max()) - float(soft.get_array().mean(1).max()) == pytest.approx(40, abs=0.1)
