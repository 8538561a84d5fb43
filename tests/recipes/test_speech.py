"""The recipes that hear, from data to a device."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

import edgernn
from edgernn.ctc import CTCDecoder
from edgernn.errors import InputError, StreamingError
from edgernn.sound import write_sound
from edgernn.training import find_recipe, finetune, load_run, read_contract, shipped_recipes, train
from edgernn.training.options import read_options
from edgernn.training.run import Run
from edgernn.training.utterances import JoinedWords
from edgernn.training.whistles import make_pitches, make_whistles
from tests.once import made_once

RECIPES = ("keyword-spot", "speech-recognise")
RATE = 8000


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run of each."""

    def make(into: Path) -> None:
        for name in RECIPES:
            options = read_contract(shipped_recipes()[name]).tiny.options
            train(name, options=options, out=into / name, device="cpu", quiet=True)

    return made_once(tmp_path_factory, "speech-runs", make)


def files(run: Run, out: Path) -> tuple[Path, Path]:
    """A streaming file and its int8 form."""
    about = run.config.metadata
    metadata = {
        "task": about.task, "labels": about.labels, "vocabulary": about.vocabulary,
        "sample_rate": about.sample_rate,
    }  # fmt: skip
    edgernn.export(run.model, out / "f.onnx", run.example_inputs(), streaming=True, metadata=metadata)
    edgernn.quantize(out / "f.onnx", out / "i.onnx", calibration=[run.example_inputs()[0].numpy()])
    return out / "f.onnx", out / "i.onnx"


def words(folder: Path, kind: str, count: int) -> Path:
    """Whistles as sound files, a folder each."""
    made = make_whistles(count, 7, RATE) if kind == "whistles" else make_pitches(2, count, 7, RATE)
    for number, sound in enumerate(made):
        name = f"{sound.speaker.replace(' ', '')}_{number}.wav"
        write_sound(folder / sound.label / name, sound.samples.numpy(), RATE)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_a_stream_says_what_the_whole_recording_says(name: str, folder: Path, tmp_path: Path) -> None:
    run = load_run(folder / name)
    float32, int8 = files(run, tmp_path)
    (samples,) = run.example_inputs()
    whole = run.model(samples).detach().numpy()
    stream = edgernn.load(float32).stream(len(samples))
    hop = stream.session.manifest.hop
    delay = stream.session.outputs[0].delay
    count = samples.shape[1] // hop * hop
    cuts = np.sort(np.random.default_rng(0).integers(0, count // hop, 5)) * hop
    parts = [part for part in np.split(samples[:, :count].numpy(), cuts, axis=1) if part.shape[1]]
    got = np.concatenate([stream.push(part) for part in parts], axis=1)[:, delay:]
    np.testing.assert_allclose(got, whole[:, : got.shape[1]], atol=1e-3)
    assert got.shape[1] >= whole.shape[1] - 1
    assert edgernn.verify(run.model, float32).passed
    # A quarter of the weights' bytes, and the same answers.
    assert int8.stat().st_size < float32.stat().st_size
    small = np.concatenate([edgernn.load(int8).stream(len(samples)).push(samples[:, :count].numpy())], axis=1)
    assert (small[:, delay:].argmax(-1) == got.argmax(-1)).mean() > 0.9


@pytest.mark.parametrize("channels", [0, 12])
def test_a_spotter_of_ten_words_is_small_in_int8(channels: int, tmp_path: Path) -> None:
    """With the sizes that the recipe has by default, and behind a convolution."""
    recipe = find_recipe("keyword-spot")
    prepared = recipe.prepare(read_options(recipe.options_type, {"channels": channels}), None)
    torch.manual_seed(0)
    model = recipe.build({**prepared.arguments, "classes": 12}).eval()
    edgernn.export(model, tmp_path / "f.onnx", prepared.example, streaming=True)
    edgernn.quantize(tmp_path / "f.onnx", tmp_path / "i.onnx")
    assert (tmp_path / "i.onnx").stat().st_size < 200_000 < (tmp_path / "f.onnx").stat().st_size


@pytest.mark.slow
def test_partial_texts_only_grow_and_the_last_is_the_whole(folder: Path, tmp_path: Path) -> None:
    run = load_run(folder / "speech-recognise")
    session = edgernn.load(files(run, tmp_path)[0])
    (samples,) = run.example_inputs()
    recording = samples[:1].numpy()
    hop, delay = session.manifest.hop, session.outputs[0].delay
    vocabulary = session.manifest.vocabulary
    whole = CTCDecoder(vocabulary, beam=4).decode(run.model(torch.from_numpy(recording))[0].detach().numpy())
    decoder, stream, texts, dropped = CTCDecoder(vocabulary, beam=4), session.stream(), [], 0
    for part in np.split(
        recording[:, : recording.shape[1] // hop * hop], range(hop, recording.shape[1], hop), 1
    ):
        if not part.shape[1]:
            continue
        steps = stream.push(part)[0]
        cut = min(delay - dropped, len(steps))
        dropped += cut
        texts.append(decoder.push(steps[cut:]))
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    final = decoder.finish()
    assert final.startswith(texts[-1])
    assert final == whole
    assert final


@pytest.mark.slow
def test_recordings_of_one_s_own_are_learned_and_finetuned(folder: Path, tmp_path: Path) -> None:
    data = words(tmp_path / "words", "whistles", 4)
    options = {"max_epochs": 1, "stream_minutes": 1, "speaker_pattern": "^(.+)_", "test_speaker": "whistler1"}
    report = finetune(
        "keyword-spot", folder / "keyword-spot", data=data, options=options, out=tmp_path / "f", quiet=True
    )
    run = load_run(tmp_path / "f")
    assert run.config.metadata.labels == ("fall", "level", "rise", "<unknown>", "<silence>")
    assert report.training.test_samples == 3
    pitches = words(tmp_path / "pitches", "pitches", 8)
    report = finetune(
        "speech-recognise", folder / "speech-recognise", data=pitches, out=tmp_path / "s", quiet=True,
        options={"max_epochs": 1, "speaker_pattern": "^(.+)_", "texts": 10},
    )  # fmt: skip
    assert report.training.scores["wer"] < 0.5


@pytest.mark.slow
def test_a_folder_as_librispeech_has_it_is_learned_from(folder: Path, tmp_path: Path) -> None:
    chapter = tmp_path / "data" / "84" / "121123"
    joined = JoinedWords(make_pitches(2, 4, 7, RATE), RATE, 2, 4)
    torch.manual_seed(0)
    said = {f"84-121123-{number:04}": joined.draw(number) for number in range(20)}
    for name, utterance in said.items():
        write_sound(chapter / f"{name}.flac", utterance.samples.numpy(), RATE)
    lines = [f"{name} {utterance.text.upper()}\n" for name, utterance in said.items()]
    (chapter / "84-121123.trans.txt").write_text("".join(lines))
    report = finetune(
        "speech-recognise", folder / "speech-recognise", data=tmp_path / "data", out=tmp_path / "f",
        options={"max_epochs": 2, "test_size": 0.25}, quiet=True,
    )  # fmt: skip
    assert report.training.test_samples == 5
    assert report.training.scores["wer"] < 0.5 < report.training.scores["wer/one_text"]


@pytest.mark.slow
@pytest.mark.skipif("EDGERNN_DATA" not in os.environ, reason="needs the folder of data sets: EDGERNN_DATA")
def test_a_few_sentences_are_learned_by_heart(tmp_path: Path) -> None:
    """Eight recordings of sentences, in characters: what can learn at all learns these."""
    data = "asr_sentences_mini/annotation/ASR_train.json"
    options = {
        "file_column": "wav", "text_column": "words", "data_root": "asr_sentences_mini/ASR",
        "test_data": data, "validation_data": data, "sample_rate": 8000, "max_epochs": 150, "patience": 150,
        "batch_size": 4, "learning_rate": 0.02, "hidden_size": 96, "num_layers": 1, "channels": 48,
        "bands": 24, "dropout": 0, "hidden_frames": 0, "hidden_bands": 0, "loudest_noise": 30, "speed": 0,
    }  # fmt: skip
    report = train(
        "speech-recognise", data=data, options=options, out=tmp_path / "run", device="cpu", quiet=True
    )
    assert report.test_samples == 8
    assert report.scores["wer"] <= 0.1
    assert report.scores["wer/one_text"] > 0.7


@pytest.mark.parametrize(
    ("name", "options", "complaint"),
    [
        ("keyword-spot", {"keywords": "rise,fly"}, "no recordings of 'fly'"),
        ("keyword-spot", {"test_speaker": "eve"}, "no speaker 'eve'"),
        ("keyword-spot", {"test_pattern": "nothing"}, "found in the names of 0 of"),
        ("keyword-spot", {"test_pattern": "("}, "no regular expression"),
        ("keyword-spot", {"words": "a"}, "leave out the data, or the option"),
        ("speech-recognise", {"shortest": 4, "longest": 3}, "must be at least shortest"),
        ("speech-recognise", {"test_pattern": "nothing"}, "and 0 to score"),
    ],
)
def test_what_does_not_fit_is_refused(
    name: str, options: dict[str, str], complaint: str, tmp_path: Path
) -> None:
    recipe = find_recipe(name)
    data = words(tmp_path / "words", "whistles", 3)
    with pytest.raises(InputError, match=complaint):
        recipe.prepare(read_options(recipe.options_type, options), data)


def test_a_network_that_reads_both_ways_is_refused_as_a_stream(tmp_path: Path) -> None:
    recipe = find_recipe("speech-recognise")
    prepared = recipe.prepare(read_options(recipe.options_type, {"bidirectional": True, "texts": 2}), None)
    with pytest.raises(StreamingError, match="recurrent"):
        edgernn.export(
            recipe.build(prepared.arguments).eval(), tmp_path / "m.onnx", prepared.example, streaming=True
        )


def test_without_data_it_says_that_the_sounds_are_made() -> None:
    for name in RECIPES:
        recipe = find_recipe(name)
        assert "this recipe makes" in recipe.prepare(read_options(recipe.options_type, {}), None).source
