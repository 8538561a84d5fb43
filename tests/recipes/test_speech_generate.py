"""The recipe that speaks, from recordings to a voice on a device."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from edgernn.cli.app import build_app
from edgernn.errors import InputError, MissingDependencyError
from edgernn.sound import read_sound, write_sound
from edgernn.training import evaluate, find_recipe, finetune, load_run, read_contract, shipped_recipes, train
from edgernn.training.options import read_options
from edgernn.training.utterances import JoinedWords
from edgernn.training.whistles import make_pitches
from tests.once import made_once

RATE = 8000


def tiny(**changes: object) -> dict[str, object]:
    return {**read_contract(shipped_recipes()["speech-generate"]).tiny.options, **changes}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run."""

    def make(into: Path) -> None:
        train("speech-generate", options=tiny(max_epochs=1), out=into / "run", device="cpu", quiet=True)

    return made_once(tmp_path_factory, "speech-generate-run", make)


def ljspeech(folder: Path, count: int = 6) -> Path:
    """Whistles as LJSpeech lays recordings out, at another rate."""
    words, lines = JoinedWords(make_pitches(1, 2, 5, 11025), 11025, 1, 2), []
    torch.manual_seed(0)
    for number in range(count):
        drawn = words.draw(number)
        write_sound(folder / "wavs" / f"W{number}.wav", drawn.samples.numpy(), 11025)
        lines.append(f"W{number}|{drawn.text.upper()}|{drawn.text.capitalize()}\n")
    (folder / "metadata.csv").write_text("".join(lines), "utf-8")
    return folder


@pytest.mark.slow
def test_from_a_run_to_a_sound_file(folder: Path, tmp_path: Path) -> None:
    """With the commands that a user types."""
    run, voice, out = folder / "run", tmp_path / "voice", tmp_path / "x.wav"
    runner = CliRunner()

    def call(*arguments: object, code: int = 0) -> dict[str, object]:
        result = runner.invoke(build_app(), [*map(str, arguments), "--json"])
        assert result.exit_code == code, result.output
        found: dict[str, object] = json.loads(result.stdout) if code == 0 else {}
        return found

    call("export", run, "-o", voice)
    call("quantize", voice, "-o", tmp_path / "small")
    call("verify", run, tmp_path / "small")
    for network in (voice, tmp_path / "small"):
        plain = call("run", network, "--prompt", "low HIGH", "-o", out)
        samples, rate = read_sound(out)
        assert rate == RATE
        assert plain["seconds"] == pytest.approx(len(samples) / RATE)
        assert float(plain["real_time_factor"]) > 0  # type: ignore[arg-type]
        assert samples.any()
    slow = call("run", voice, "--prompt", "low high", "-o", out, "--set", "pitch=1.2", "--set", "speed=0.5")
    assert float(slow["seconds"]) > 1.5 * float(plain["seconds"])  # type: ignore[arg-type]
    call("run", voice, "--prompt", "low 7", "-o", out, code=2)
    call("run", voice, "--prompt", "low", "-o", out, "--set", "pitch=9", code=2)
    call("run", voice, "--prompt", "low", "-o", tmp_path / "x.txt", code=2)


def test_a_run_shows_and_plays_what_it_says(folder: Path) -> None:
    run = folder / "run"
    sounds = {path.stem for path in (run / "sounds").glob("*.wav")}
    assert {"1, recording", "1, speech", "2, recording", "2, speech", "1, higher"} <= sounds
    page = (run / "report.html").read_text("utf-8")
    assert page.count("<audio") == len(sounds)
    assert "data:audio/wav;base64,UklGR" in page
    plain, faster = (len(read_sound(run / "sounds" / f"1, {name}.wav")[0]) for name in ("speech", "faster"))
    assert faster < plain


def test_folders_of_ljspeech_are_read(folder: Path, tmp_path: Path) -> None:
    data = ljspeech(tmp_path)
    report = evaluate(folder / "run", data)
    assert set(report.scores) >= {"spectrum_db", "spectrum_db/mean", "duration_ms"}
    finetune(
        "speech-generate", folder / "run", data=data, options={"max_epochs": 1},
        out=tmp_path / "tuned", device="cpu", quiet=True,
    )  # fmt: skip
    before, after = load_run(folder / "run"), load_run(tmp_path / "tuned")
    assert before.config.metadata.vocabulary == after.config.metadata.vocabulary


def test_a_text_that_is_no_recordings_is_named(tmp_path: Path) -> None:
    data = ljspeech(tmp_path)
    lines = (data / "metadata.csv").read_text("utf-8").splitlines()
    lines[2] += " and much that is not said" * 9
    (data / "metadata.csv").write_text("\n".join(lines), "utf-8")
    recipe = find_recipe("speech-generate")
    options = read_options(recipe.options_type, tiny())
    with pytest.raises(InputError, match=r"line 3: .* s are too short for a text of \d+ characters"):
        recipe.prepare(options, data)


def test_without_espeak_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    recipe = find_recipe("speech-generate")
    options = read_options(recipe.options_type, tiny(speech="espeak-ng"))
    with pytest.raises(MissingDependencyError, match="apt install espeak-ng"):
        recipe.prepare(options, None)


@pytest.mark.slow
def test_a_reader_says_whether_speech_is_understood(folder: Path, tmp_path: Path) -> None:
    options = {
        **read_contract(shipped_recipes()["speech-recognise"]).tiny.options,
        "max_epochs": 1,
        "texts": 4,
    }
    train("speech-recognise", options=options, out=tmp_path / "reader", device="cpu", quiet=True)
    report = evaluate(folder / "run", options={"reader": str(tmp_path / "reader")}, out=tmp_path / "details")
    assert {"wer", "cer", "wer/recordings", "cer/recordings"} <= set(report.scores)
    rows = list(csv.DictReader((tmp_path / "details" / "read.csv").read_text("utf-8").splitlines()))
    assert len(rows) == tiny()["scored"]
    assert {"text", "read", "read_of_recording"} == set(rows[0])
    with pytest.raises(InputError, match="name one of speech-recognise"):
        evaluate(folder / "run", options={"reader": str(folder / "run")})
