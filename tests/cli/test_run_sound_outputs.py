"""`edgernn run` of models that give sound: to files, of folders, of a microphone."""

from __future__ import annotations

import functools
import json
import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import nn
from typer.testing import Result

import edgernn
from edgernn.models import Denoiser
from edgernn.sound import read_sound, resample, write_sound

RATE, HOP = 8000, 32
Invoke = Callable[..., Result]


def denoiser() -> Denoiser:
    torch.manual_seed(0)
    return Denoiser(frame=2 * HOP, hop=HOP, hidden_size=8, num_layers=1).eval()


def recording(seconds: float = 1.03) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.4, 0.4, round(seconds * RATE)).astype(np.float32)


class Louder(nn.Module):
    """Four times as loud, with a half of every other sample: half the rate."""

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        return 4 * nn.functional.avg_pool1d(samples[:, None], 2)[:, 0]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    about = {"task": "denoise", "sample_rate": RATE}
    example = torch.randn(1, 20 * HOP)
    for name, options in (
        ("stream", {"streaming": True}),
        ("chunks", {"streaming": True, "chunk": 3 * HOP}),
        ("whole", {}),
    ):
        edgernn.export(denoiser(), folder / f"{name}.onnx", example, metadata=about, check=False, **options)
    edgernn.export(Louder(), folder / "louder.onnx", example, metadata=about, streaming=True, check=False)
    edgernn.export(denoiser(), folder / "unknown.onnx", example, streaming=True, check=False)
    write_sound(folder / "noisy.wav", recording(), RATE)
    return folder


@functools.cache
def expected() -> np.ndarray:
    """What the network makes of the recording."""
    return denoised(read_sound_of(recording())[0])


def denoised(samples: np.ndarray) -> np.ndarray:
    """What the network makes of samples with silence behind them."""
    with torch.no_grad():
        found = denoiser()(torch.from_numpy(np.pad(samples, (0, 4 * HOP)))[None])[0].numpy()
    return found[: len(samples)]


def read_sound_of(samples: np.ndarray) -> tuple[np.ndarray, int]:
    """The samples as a 16-bit file holds them."""
    return np.round(32767 * samples).astype(np.float32) / 32768, RATE


@pytest.mark.parametrize("model", ["stream", "chunks", "whole"])
def test_a_recording_comes_out_as_long_and_in_time(
    model: str, files: Path, tmp_path: Path, invoke: Invoke
) -> None:
    result = invoke("run", files / f"{model}.onnx", files / "noisy.wav", "-o", tmp_path / "c.wav", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["path"] == str(tmp_path / "c.wav")
    assert (told["sample_rate"], told["seconds"]) == (RATE, pytest.approx(1.03))
    assert (told["clipped_samples"], told["real_time_factor"] > 0) == (0, True)
    samples, rate = read_sound(tmp_path / "c.wav")
    assert (rate, len(samples)) == (RATE, len(recording()))
    np.testing.assert_allclose(samples, expected(), atol=2e-4)
    # One that came late by the look-ahead would be another one.
    assert float(np.abs(np.roll(samples, HOP) - expected()).max()) > 0.05
    text = invoke("run", files / f"{model}.onnx", files / "noisy.wav", "-o", tmp_path / "c.wav").stdout
    assert "1.03 s at 8000 Hz, real-time factor" in text


def test_an_array_is_as_good_as_a_file(files: Path, tmp_path: Path, invoke: Invoke) -> None:
    np.save(tmp_path / "noisy.npy", read_sound_of(recording())[0])
    assert (
        invoke("run", files / "stream.onnx", tmp_path / "noisy.npy", "-o", tmp_path / "c.wav").exit_code == 0
    )
    np.testing.assert_allclose(read_sound(tmp_path / "c.wav")[0], expected(), atol=2e-4)
    np.save(tmp_path / "two.npy", np.zeros((2, 4000), np.float32))
    result = invoke("run", files / "stream.onnx", tmp_path / "two.npy", "-o", tmp_path / "d.wav")
    assert (result.exit_code, "holds 2 rows" in result.output) == (2, True)


def test_another_rate_and_two_channels_are_told(files: Path, tmp_path: Path, invoke: Invoke) -> None:
    wide = resample(recording(), RATE, 44100)
    soundfile.write(tmp_path / "wide.flac", np.stack([wide, wide], axis=1), 44100)
    result = invoke("run", files / "stream.onnx", tmp_path / "wide.flac", "-o", tmp_path / "c.wav")
    assert result.exit_code == 0, result.output
    notes = " ".join(result.stderr.split())
    assert "its 2 channels were averaged" in notes
    assert "has 44100 samples a second" in notes
    assert "has 8000, as the model gives them" in notes
    samples, rate = read_sound(tmp_path / "c.wav")
    assert (rate, len(samples)) == (RATE, len(recording()))
    np.testing.assert_allclose(samples, denoised(read_sound(tmp_path / "wide.flac", RATE)[0]), atol=2e-4)


def test_what_is_cut_off_is_told(files: Path, tmp_path: Path, invoke: Invoke) -> None:
    write_sound(tmp_path / "loud.wav", np.full(4000, 0.5, np.float32), RATE)
    result = invoke("run", files / "louder.onnx", tmp_path / "loud.wav", "-o", tmp_path / "c.wav", "--json")
    told = json.loads(result.stdout)
    assert (told["sample_rate"], told["seconds"], told["clipped_samples"]) == (RATE / 2, 0.5, 2000)
    assert "2000 samples were beyond full scale" in result.stderr
    samples, rate = read_sound(tmp_path / "c.wav")
    assert (rate, len(samples)) == (RATE / 2, 2000)
    assert float(samples.min()) > 0.99


@pytest.mark.parametrize(
    ("name", "samples", "told"),
    [
        ("silent", np.zeros(4000), "it is silent"),
        ("clipped", np.clip(40 * recording(), -1, 1), "recorded too loud"),
        ("short", recording()[:7], ""),
    ],
)
def test_recordings_that_say_little_are_run_all_the_same(
    name: str, samples: np.ndarray, told: str, files: Path, tmp_path: Path, invoke: Invoke
) -> None:
    write_sound(tmp_path / f"{name}.wav", samples, RATE)
    for model in ("stream", "chunks", "whole"):
        result = invoke("run", files / f"{model}.onnx", tmp_path / f"{name}.wav", "-o", tmp_path / "c.wav")
        assert result.exit_code == 0, result.output
        assert told in result.stderr
        found, _ = read_sound(tmp_path / "c.wav")
        assert len(found) == len(samples)
        assert name != "silent" or float(np.abs(found).max()) < 1e-3


def test_what_cannot_be_written_as_sound_is_refused(files: Path, tmp_path: Path, invoke: Invoke) -> None:
    soundfile.write(tmp_path / "zero.wav", np.zeros(0, np.float32), RATE)
    (tmp_path / "text.wav").write_text("hello")
    (tmp_path / "notes.txt").write_text("hello")
    noisy = files / "noisy.wav"
    for words, said in (
        (("stream.onnx", tmp_path / "zero.wav"), "holds no samples"),
        (("stream.onnx", tmp_path / "text.wav"), "no sound file that can be read"),
        (("stream.onnx", tmp_path / "notes.txt"), "must end in .npy, .csv or .inkml, be a sound file"),
        (("stream.onnx", tmp_path / "none.wav"), "no file at"),
        (("stream.onnx", noisy, noisy), "the model takes 1"),
        (("unknown.onnx", noisy), "no waveform (batch, samples) of a known sample rate"),
        (("stream.onnx", noisy, "--save-state", tmp_path / "s"), "written of a whole recording"),
        (("stream.onnx", "-"), "written of a whole recording"),
        (("whole.onnx", "--mic"), "Export it with --streaming"),
    ):
        result = invoke("run", files / words[0], *words[1:], "-o", tmp_path / "c.wav")
        assert (words, result.exit_code) == (words, 2)
        assert said in " ".join(result.output.split())
    result = invoke("run", files / "stream.onnx", noisy, "-o", tmp_path / "c.mp3")
    assert (result.exit_code, "sound is written as .wav" in result.output) == (2, True)
    result = invoke("run", files / "stream.onnx", "--mic")
    assert (result.exit_code, "say where to write it" in result.output) == (2, True)
    assert not (tmp_path / "c.wav").exists()


def test_a_folder_of_recordings_becomes_one_of_sounds(files: Path, tmp_path: Path, invoke: Invoke) -> None:
    write_sound(tmp_path / "in" / "a.wav", recording(), RATE)
    soundfile.write(tmp_path / "in" / "b.flac", recording(0.4), RATE)
    np.save(tmp_path / "in" / "c.npy", np.zeros((1, 10 * HOP), np.float32))
    (tmp_path / "in" / "d.wav").write_text("hello")
    result = invoke("run", files / "stream.onnx", tmp_path / "in", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 1, result.output
    told = json.loads(result.stdout)
    assert told["scored"] == 3
    assert [Path(item["source"]).name for item in told["failed"]] == ["d.wav"]
    assert {path.name for path in (tmp_path / "out").glob("*.*") if path.suffix != ".json"} == {
        "a.wav", "b.wav", "c.npy",
    }  # fmt: skip
    np.testing.assert_allclose(read_sound(tmp_path / "out" / "a.wav")[0], expected(), atol=2e-4)
    assert len(read_sound(tmp_path / "out" / "b.wav")[0]) == round(0.4 * RATE)


class FakeInput:
    """A microphone that hears the recording, as far as whole blocks go, and is then interrupted."""

    def __init__(
        self, samplerate: float, blocksize: int, callback: Callable[..., None], **other: object
    ) -> None:
        self.size, self.callback = blocksize, callback

    def __enter__(self) -> FakeInput:
        samples = read_sound_of(recording())[0][:, None]
        for start in range(0, len(samples) - self.size + 1, self.size):
            self.callback(samples[start : start + self.size], self.size, None, "")
        return self

    def __exit__(self, *about: object) -> None:
        pass


@pytest.mark.parametrize("model", ["stream", "chunks"])
def test_the_microphone_is_recorded(
    model: str, files: Path, tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    import edgernn.cli.microphone as microphone

    class Queue(microphone.queue.SimpleQueue):  # type: ignore[type-arg]
        def get(self) -> object:  # type: ignore[override]
            if self.empty():
                raise KeyboardInterrupt
            return super().get()

    fake = types.SimpleNamespace(InputStream=FakeInput, PortAudioError=OSError)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    monkeypatch.setattr(microphone.queue, "SimpleQueue", Queue)
    result = invoke("run", files / f"{model}.onnx", "--mic", "-o", tmp_path / "c.wav", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["real_time_factor"] is None
    samples, _ = read_sound(tmp_path / "c.wav")
    size = {"stream": 25 * HOP, "chunks": 3 * HOP}[model]
    assert len(samples) == len(recording()) // size * size
    # Behind what was heard stands silence, not the rest of the recording.
    np.testing.assert_allclose(samples[: -2 * HOP], expected()[: len(samples) - 2 * HOP], atol=2e-4)
