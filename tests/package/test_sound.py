"""Sound files: what was written is read, at any rate; what is no sound is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from edgernn.errors import InputError, MissingDependencyError
from edgernn.sound import complaints, is_sound, read_sound, resample, write_sound

RATE = 8000


def tone(rate: int = RATE, seconds: float = 0.5, pitch: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * pitch * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "tone.wav"
    write_sound(file, tone(), RATE)
    samples, rate = read_sound(file)
    assert rate == RATE
    np.testing.assert_allclose(samples, tone(), atol=1 / 32768)


@pytest.mark.parametrize("suffix", [".flac", ".ogg"])
def test_other_formats_are_read(suffix: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / f"t{suffix}", tone(), RATE)
    samples, _ = read_sound(tmp_path / f"t{suffix}")
    assert len(samples) == pytest.approx(len(tone()), abs=64)
    assert is_sound(tmp_path / f"t{suffix.upper()}")


def test_channels_are_averaged(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "stereo.wav", np.stack([tone(), -0.5 * tone()], axis=1), RATE)
    np.testing.assert_allclose(read_sound(tmp_path / "stereo.wav")[0], 0.25 * tone(), atol=1e-4)


def test_another_rate_is_the_same_tone(tmp_path: Path) -> None:
    write_sound(tmp_path / "t.wav", tone(16000), 16000)
    samples, rate = read_sound(tmp_path / "t.wav", RATE)
    assert rate == RATE
    # The filter's ends apart.
    np.testing.assert_allclose(samples[200:-200], tone()[200:-200], atol=1e-3)
    # A tone above half the new rate would come back as another one, if it were not filtered out.
    high = resample(tone(16000, pitch=6000), 16000, RATE)
    assert float(np.abs(high[200:-200]).max()) < 1e-3


def test_what_is_outside_is_cut_off(tmp_path: Path) -> None:
    write_sound(tmp_path / "t.wav", [2.0, -3.0, 0.0], RATE)
    np.testing.assert_allclose(read_sound(tmp_path / "t.wav")[0], [1, -1, 0], atol=1e-4)


def test_no_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("hello")
    with pytest.raises(InputError, match="no sound file that can be read"):
        read_sound(tmp_path / "text.wav")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.float32), RATE)
    with pytest.raises(InputError, match="holds no samples"):
        read_sound(tmp_path / "empty.wav")
    soundfile.write(tmp_path / "nan.wav", np.array([np.nan, 0.0]), RATE, subtype="FLOAT")
    with pytest.raises(InputError, match="NaN or infinity"):
        read_sound(tmp_path / "nan.wav")
    with pytest.raises(InputError, match="no file at"):
        read_sound(tmp_path / "none.wav")


@pytest.mark.parametrize("samples", [np.zeros((2, 3)), np.zeros(0), [np.inf]])
def test_what_is_no_row_is_not_written(samples: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="row of finite numbers"):
        write_sound(tmp_path / "t.wav", samples, RATE)
    assert list(tmp_path.iterdir()) == []


def test_silence_and_clipping_are_told() -> None:
    assert complaints(tone()) == []
    assert "silent" in complaints(np.zeros(10, np.float32))[0]
    assert "too loud" in complaints(np.clip(4 * tone(), -1, 1))[0]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_sound(tmp_path / "t.wav", tone(), RATE)
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'edgernn\[audio\]'"):
        read_sound(tmp_path / "t.wav")
