"""`edgernn run` on sound files and on a microphone."""

from __future__ import annotations

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
from edgernn.features.log_mel import LogMel
from edgernn.models import KeywordSpotter
from edgernn.runtime import CTCDecoder, LanguageScorer
from edgernn.sound import resample, write_sound

RATE, FRAME, HOP = 8000, 256, 128
LABELS = ("tone", "<unknown>", "<silence>")
Invoke = Callable[..., Result]


def spotter() -> KeywordSpotter:
    """Loud frames are the word, quiet ones are silence: what a head over one band's energy says."""
    torch.manual_seed(0)
    model = KeywordSpotter(
        classes=3, sample_rate=RATE, frame=FRAME, hop=HOP, bands=20, hidden_size=4, num_layers=1, smoothing=2
    )
    (cell,) = model.recurrent.cells
    with torch.no_grad():
        for parameter in model.recurrent.parameters():
            parameter.zero_()
        # Rows: reset, update, candidate. The state is the candidate, which follows the mean of all bands:
        # log-mel of noise is above 0, that of silence is near −14.
        cell.bias_ih[4:8] = -10.0
        cell.weight_ih[8:] = 0.05
        cell.bias_ih[8:] = 3.0
        model.head.weight.copy_(torch.tensor([[4.0], [0.0], [-4.0]]).expand(-1, 4))
        model.head.bias.copy_(torch.tensor([0.0, -20.0, 0.0]))
    return model.eval()


class Pairs(nn.Module):
    """A language model of pairs of symbols: behind a, or in front, comes b, and behind b nothing."""

    def __init__(self) -> None:
        super().__init__()
        rows = torch.full((4, 4), -12.0)
        for before, after in ((1, 3), (2, 3), (3, 1)):
            rows[before, after] = 0.0
        self.rows = nn.Embedding.from_pretrained(rows.log_softmax(-1))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.rows(ids)
        return scores


class Loud(nn.Module):
    """A recogniser that reads "a" where it is loud, and the blank elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.log_mel = LogMel(RATE, FRAME, HOP, 20)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        loud = self.log_mel(samples).mean(2, keepdim=True)
        return torch.cat([-loud, loud, -20.0 + 0.0 * loud], dim=2).log_softmax(-1)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spotter")
    metadata = {"task": "keyword-spot", "labels": LABELS, "sample_rate": RATE}
    for name, streaming in (("stream", True), ("whole", False)):
        edgernn.export(
            spotter(), folder / f"{name}.onnx", torch.randn(1, 4000), streaming=streaming, metadata=metadata
        )
    edgernn.export(
        Loud().eval(),
        folder / "reader.onnx",
        torch.randn(1, 4000),
        streaming=True,
        metadata={"task": "speech-recognise", "vocabulary": ("<blank>", "a", "b"), "sample_rate": RATE},
    )
    for name, vocabulary in (("pairs", ("<other>", "\n", "a", "b")), ("others", ("<other>", "\n", "a", "c"))):
        edgernn.export(
            Pairs(),
            folder / f"{name}.onnx",
            torch.randint(0, 4, (2, 5)),
            streaming=True,
            metadata={"task": "text-generate", "vocabulary": vocabulary},
        )
    write_sound(folder / "two.wav", recording(), RATE)
    write_sound(folder / "wide.wav", resample(recording(), RATE, 16000), 16000)
    write_sound(folder / "silent.wav", np.zeros(8000), RATE)
    write_sound(folder / "short.wav", recording()[:50], RATE)
    return folder


def recording() -> np.ndarray:
    """Noise from 0.5 s on and from 2 s on, a quarter of a second each."""
    samples = np.zeros(3 * RATE, np.float32)
    noise = np.random.default_rng(0).uniform(-0.9, 0.9, RATE // 4).astype(np.float32)
    samples[RATE // 2 : RATE // 2 + len(noise)] = noise
    samples[2 * RATE : 2 * RATE + len(noise)] = noise
    return samples


@pytest.mark.parametrize("model", ["stream", "whole"])
@pytest.mark.parametrize("sound", ["two", "wide"])
def test_words_are_told_with_their_times(model: str, sound: str, files: Path, invoke: Invoke) -> None:
    result = invoke("run", files / f"{model}.onnx", files / f"{sound}.wav", "--json")
    assert result.exit_code == 0, result.output
    events = json.loads(result.stdout)["events"]
    assert [event["word"] for event in events] == ["tone", "tone"]
    assert [event["time"] for event in events] == pytest.approx([0.53, 2.03], abs=0.06)
    text = invoke("run", files / f"{model}.onnx", files / f"{sound}.wav").stdout
    assert text.count("tone") == 2


def test_a_text_is_told(files: Path, invoke: Invoke) -> None:
    result = invoke("run", files / "reader.onnx", files / "wide.wav", "--json")
    assert json.loads(result.stdout) == {"text": "aa"}
    assert invoke("run", files / "reader.onnx", files / "two.wav").stdout.strip() == "aa"
    assert "Nothing was understood." in invoke("run", files / "reader.onnx", files / "silent.wav").stdout


def test_a_language_model_is_asked(files: Path, tmp_path: Path, invoke: Invoke) -> None:
    command = ("run", files / "reader.onnx", files / "two.wav")
    assert invoke(*command, "-o", tmp_path / "y.npy").exit_code == 0
    (heard,), texts = np.load(tmp_path / "y.npy"), []
    for words, options in (
        ((), {"language_weight": 0.5}),
        (("--language-weight", 9, "--bonus", 3, "--beam", 5), {"language_weight": 9, "bonus": 3, "beam": 5}),
    ):
        result = invoke(*command, "--language-model", files / "pairs.onnx", *words, "--json")
        assert result.exit_code == 0, result.output
        symbols = ("<blank>", "a", "b")
        scorer = LanguageScorer(edgernn.load(files / "pairs.onnx"), symbols)
        decoder = CTCDecoder(symbols, language_model=scorer, **{"beam": 16, **options})
        texts.append(decoder.decode(heard))
        assert json.loads(result.stdout) == {"text": texts[-1]}
    assert texts[0] == "aa"  # what is heard is clear
    assert texts[1] not in ("aa", "")
    assert json.loads(invoke(*command, "--beam", 4, "--json").stdout) == {"text": "aa"}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("reader.onnx", "two.wav", "--language-model", "others.onnx"), "does not know 'b'"),
        (("reader.onnx", "two.wav", "--language-model", "stream.onnx"), "a file must take symbols one by"),
        (("reader.onnx", "two.wav", "--language-model", "none.onnx"), "no file at"),
        (("reader.onnx", "two.wav", "--language-model", "pairs.onnx", "--beam", "1"), "a beam of 2 or more"),
        (("reader.onnx", "two.wav", "--beam", "0"), "beam must be an integer"),
        (("reader.onnx", "two.wav", "--bonus", "1"), "--bonus: it is for reading beside one"),
        (("stream.onnx", "two.wav", "--beam", "4"), "--beam: it is for files that write down text"),
        (("pairs.onnx", "x.npy", "--beam", "4"), "--beam: it is for files that write down text"),
        (("reader.onnx", "two.wav", "--beam", "4", "-o", "y.npy"), "none of --output, --resume"),
        (("reader.onnx", "-", "--beam", "4"), "give one sound file or --mic"),
    ],
)
def test_reading_that_does_not_fit_is_refused(
    words: tuple[str, ...], complaint: str, files: Path, invoke: Invoke
) -> None:
    result = invoke("run", *(files / word if word.endswith((".onnx", ".wav")) else word for word in words))
    assert result.exit_code == 2
    assert complaint in " ".join(result.output.split())


def test_a_task_s_outputs_must_be_its_own(tmp_path: Path, files: Path, invoke: Invoke) -> None:
    for task in ("speech-recognise", "keyword-spot"):
        path = tmp_path / f"{task}.onnx"
        edgernn.export(
            Loud().eval(), path, torch.randn(1, 4000), metadata={"task": task, "sample_rate": RATE}
        )
        result = invoke("run", path, files / "two.wav")
        assert (result.exit_code, f"its task is {task}" in result.output) == (2, True)


def test_silence_is_told_and_has_no_words(files: Path, invoke: Invoke) -> None:
    result = invoke("run", files / "stream.onnx", files / "silent.wav")
    assert "No word was found." in result.stdout
    assert "it is silent" in result.stderr


def test_clipping_is_told_and_words_are_found(files: Path, tmp_path: Path, invoke: Invoke) -> None:
    write_sound(tmp_path / "loud.wav", 9 * recording(), RATE)  # cut off at full scale
    result = invoke("run", files / "stream.onnx", tmp_path / "loud.wav")
    assert "it was recorded too loud" in " ".join(result.stderr.split())
    assert result.stdout.count("tone") == 2
    assert "too loud" not in invoke("run", files / "stream.onnx", files / "two.wav").stderr


def test_two_channels_are_heard_as_one(files: Path, tmp_path: Path, invoke: Invoke) -> None:
    def words(left: np.ndarray, right: np.ndarray) -> list[tuple[str, float]]:
        soundfile.write(tmp_path / "two.wav", np.stack([left, right], axis=1), RATE)
        result = invoke("run", files / "stream.onnx", tmp_path / "two.wav", "--json")
        assert result.exit_code == 0, result.output
        return [(event["word"], event["time"]) for event in json.loads(result.stdout)["events"]]

    both = words(recording(), recording())
    assert [word for word, _ in both] == ["tone", "tone"]
    assert words(recording(), 0 * recording()) == both
    # Channels that cancel each other are silence: one that is not heard would not do that.
    assert words(recording(), -recording()) == []


def test_a_recording_shorter_than_a_chunk_runs(files: Path, invoke: Invoke) -> None:
    assert invoke("run", files / "stream.onnx", files / "short.wav").exit_code == 0


def test_scores_can_be_written(files: Path, tmp_path: Path, invoke: Invoke) -> None:
    assert invoke("run", files / "stream.onnx", files / "two.wav", "-o", tmp_path / "y.npy").exit_code == 0
    scores = np.load(tmp_path / "y.npy")
    model = spotter()
    with torch.no_grad():
        expected = model(torch.from_numpy(recording())[None]).numpy()
    frames = min(scores.shape[1], expected.shape[1])
    assert frames > 180
    np.testing.assert_allclose(scores[:, :frames], expected[:, :frames], atol=2e-4)


def test_what_is_no_sound_or_no_waveform_is_refused(
    files: Path, tmp_path: Path, invoke: Invoke, streaming: Path
) -> None:
    (tmp_path / "text.wav").write_text("hello")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.float32), RATE)
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan]), RATE, subtype="FLOAT")
    for name, complaint in (
        ("text.wav", "is no sound file that can be read"),
        ("empty.wav", "holds no samples"),
        ("nan.wav", "holds NaN or infinity"),
        ("none.wav", "no file at"),
    ):
        result = invoke("run", files / "stream.onnx", tmp_path / name)
        assert (result.exit_code, result.stdout) == (2, "")
        assert complaint in " ".join(result.stderr.split())
    result = invoke("run", streaming, files / "two.wav")
    assert (result.exit_code, "is no waveform" in result.output) == (2, True)


class FakeInput:
    """A microphone that hears the recording, then is interrupted."""

    opened: dict[str, object]

    def __init__(
        self, samplerate: float, blocksize: int, callback: Callable[..., None], **other: object
    ) -> None:
        FakeInput.opened = {"samplerate": samplerate, "blocksize": blocksize, **other}
        self.size, self.callback = blocksize, callback

    def __enter__(self) -> FakeInput:
        samples = recording()[:, None]
        for start in range(0, len(samples) - self.size + 1, self.size):
            self.callback(samples[start : start + self.size], self.size, None, "")
        return self

    def __exit__(self, *about: object) -> None:
        pass


def test_the_microphone_is_listened_to(files: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    import edgernn.cli.microphone as microphone

    class Queue(microphone.queue.SimpleQueue):  # type: ignore[type-arg]
        def get(self) -> object:  # type: ignore[override]
            if self.empty():
                raise KeyboardInterrupt
            return super().get()

    fake = types.SimpleNamespace(InputStream=FakeInput, PortAudioError=OSError)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    monkeypatch.setattr(microphone.queue, "SimpleQueue", Queue)
    result = invoke("run", files / "stream.onnx", "--mic", "--json")
    assert result.exit_code == 0, result.output
    words = [json.loads(line)["word"] for line in result.stdout.splitlines()]
    assert words == ["tone", "tone"]
    read = [
        json.loads(line)
        for line in invoke("run", files / "reader.onnx", "--mic", "--json").stdout.splitlines()
    ]
    assert [item.get("partial", item.get("text")) for item in read] == ["a", "aa", "aa"]
    assert FakeInput.opened == {"samplerate": RATE, "blocksize": 6 * HOP, "channels": 1, "dtype": "float32"}


def test_what_cannot_be_listened_to_is_refused(
    files: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words, complaint in (
        (("whole.onnx", "--mic"), "Export it with --streaming"),
        (("stream.onnx",), "give --mic to listen"),
        (("stream.onnx", "two.wav", "--mic"), "one of these"),
        (("stream.onnx", "--mic", "-o", "y.npy"), "--mic goes with none of"),
    ):
        result = invoke(
            "run", *(files / word if word.endswith((".onnx", ".wav")) else word for word in words)
        )
        assert result.exit_code == 2
        assert complaint in " ".join(result.output.split())
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    result = invoke("run", files / "stream.onnx", "--mic")
    assert result.exit_code == 2
    assert "edgernn[mic]" in result.output
