"""The recipe denoise, from recordings to a clean file on the device."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import edgernn
from edgernn.errors import InputError
from edgernn.sound import read_sound, write_sound
from edgernn.source.scoring import score_files
from edgernn.training import Run, evaluate, find_recipe, finetune, load_run, train
from edgernn.training.metrics.speech import si_sdr
from edgernn.training.options import read_options
from edgernn.training.recipe import Recipe
from edgernn.training.whistles import make_whistles

from .test_classifiers import exit_code

RATE = 8000
# A second of training, which is enough to tell a whistle from a rumble.
OPTIONS = {
    "hidden_size": 16, "num_layers": 1, "max_epochs": 2, "batch_size": 4, "window_seconds": 1, "dropout": 0,
    "learning_rate": 0.01, "test_mixtures": 1, "noises_each": 2, "speaker_pattern": "^(.+)_",
    "test_noises": ("rain", "street"), "test_decibels": (0.0, 5.0),
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speech, as far as whistles are, and recorded noise."""
    folder = tmp_path_factory.mktemp("denoise")
    for sound in make_whistles(6, 0, RATE):
        name = f"{sound.speaker.replace(' ', '')}_{sound.label}.wav"
        write_sound(folder / "speech" / name, sound.samples.numpy(), RATE)
    random = np.random.default_rng(0)
    for kind in ("street", "fridge"):
        write_sound(folder / "noise" / f"{kind}.wav", random.normal(0, 0.1, 2 * RATE), RATE)
    return folder


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("denoise-run") / "run"
    options = {**OPTIONS, "noise_data": str(data / "noise")}
    train("denoise", data=data / "speech", options=options, out=out, device="cpu", quiet=True, pictures=True)
    return load_run(out)


@pytest.mark.slow
def test_a_run_tells_gains_by_noise_and_loudness_and_can_be_heard(
    run: Run, data: Path, tmp_path: Path
) -> None:
    scores = run.config.scores
    assert {"si_sdr", "si_sdr_gain", "gain_rain", "gain_street", "gain_0_db", "gain_5_db"} <= set(scores)
    assert {"si_sdr_gain/wiener", "gain_street/wiener"} <= set(scores)
    rows = list(csv.DictReader((run.folder / "gains.csv").read_text("utf-8").splitlines()))
    assert [(row["noise"], row["speech_over_noise_db"]) for row in rows] == [
        ("rain", "0"), ("rain", "5"), ("street", "0"), ("street", "5"),
    ]  # fmt: skip
    mean = np.mean([float(row["gain"]) for row in rows])
    assert mean == pytest.approx(scores["si_sdr_gain"], abs=0.01)
    # What is heard is what was scored: the gain of one recording, from its files.
    noisy, output, speech = (
        torch.from_numpy(read_sound(run.folder / "sounds" / f"rain, 0 dB, {what}.wav")[0])
        for what in ("input", "output", "speech")
    )
    length = len(output) - run.model.accepts_lookahead
    before, after = (float(si_sdr(part[:length], speech[:length])) for part in (noisy, output))
    assert after - before == pytest.approx(float(rows[0]["gain"]), abs=0.1)
    page = (run.folder / "report.html").read_text("utf-8")
    assert page.count("<audio") == 6
    assert (run.folder / "result.png").is_file()
    again = evaluate(run.folder, data / "speech", out=tmp_path / "again", options=reading(data))
    assert again.scores == pytest.approx(scores, abs=1e-4)


def reading(data: Path) -> dict[str, object]:
    """What other data are read with."""
    return {"speaker_pattern": "^(.+)_", "noise_data": str(data / "noise")}


@pytest.mark.slow
def test_from_a_run_to_a_clean_file(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from edgernn.cli import main

    stream, small, whole = (tmp_path / name for name in ("s.onnx", "i.onnx", "w.onnx"))
    assert exit_code(main, "export", run.folder, "-o", stream, "--streaming") == 0
    assert exit_code(main, "export", run.folder, "-o", whole) == 0
    assert exit_code(main, "quantize", stream, "-o", small, "--source", run.folder) == 0
    assert exit_code(main, "verify", run.folder, small) == 0
    manifest = edgernn.load(stream).manifest
    assert manifest.latency_ms is not None
    assert manifest.latency_ms <= 40
    assert (manifest.task, manifest.sample_rate) == ("denoise", RATE)
    noisy = run.folder / "sounds" / "rain, 0 dB, input.wav"
    output, _ = read_sound(run.folder / "sounds" / "rain, 0 dB, output.wav")
    for file, tolerance in ((stream, 1e-3), (small, 0.05)):
        capsys.readouterr()
        assert exit_code(main, "run", file, noisy, "-o", tmp_path / "clean.wav", "--json") == 0
        assert json.loads(capsys.readouterr().out)["real_time_factor"] > 0
        clean, rate = read_sound(tmp_path / "clean.wav")
        assert (rate, len(clean)) == (RATE, len(read_sound(noisy)[0]))
        complete = len(output) - run.model.accepts_lookahead
        np.testing.assert_allclose(clean[:complete], output[:complete], atol=tolerance)
    found = score_files(run.folder).score(edgernn.load(whole))
    assert found["si_sdr_gain"] == pytest.approx(run.config.scores["si_sdr_gain"], abs=1e-2)


@pytest.mark.slow
def test_another_voice_is_learned_at_the_network_s_rate(run: Run, data: Path, tmp_path: Path) -> None:
    for sound in make_whistles(3, 5, 16000):
        write_sound(tmp_path / "own" / sound.speaker / f"{sound.label}.wav", sound.samples.numpy(), 16000)
    finetune(
        "denoise", run.folder, data=tmp_path / "own", options={"max_epochs": 1, "speaker_pattern": ""},
        out=tmp_path / "run", quiet=True,
    )  # fmt: skip
    config = load_run(tmp_path / "run").config
    assert config.metadata.sample_rate == RATE
    assert "si_sdr_gain" in config.scores_before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"loudest_noise": 5, "softest_noise": 0}, "softest_noise"),
        ({"test_decibels": ()}, "name one loudness"),
        ({"test_noises": "lorry"}, "no kind 'lorry'"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, object], said: str) -> None:
    recipe: Recipe = find_recipe("denoise")
    with pytest.raises(InputError, match=said):
        recipe.prepare(read_options(recipe.options_type, options), None)


def test_frames_are_whole_hops_at_every_rate() -> None:
    recipe = find_recipe("denoise")
    for rate, overlap, frame in ((8000, 2, 256), (16000, 4, 512), (11025, 3, 354), (44100, 2, 1412)):
        few = {"sample_rate": rate, "overlap": overlap, "test_mixtures": 1, "noises_each": 1}
        options = read_options(recipe.options_type, {**few, "window_seconds": 0.5})
        prepared = recipe.prepare(options, None)
        assert prepared.arguments["frame"] == frame
        assert prepared.arguments["frame"] == overlap * prepared.arguments["hop"]
        assert 1000 * frame / rate <= 40
        assert prepared.example[0].shape[1] % prepared.arguments["hop"] == 0


def test_without_data_it_says_that_the_speech_is_made() -> None:
    recipe = find_recipe("denoise")
    few = {"test_mixtures": 1, "noises_each": 1, "window_seconds": 0.5}
    source = recipe.prepare(read_options(recipe.options_type, few), None).source
    assert "this recipe makes" in source
    assert "scored on babble" in source
