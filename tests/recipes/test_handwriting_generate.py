"""Writing by hand, from data to a file and from a text to strokes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import edgernn
from edgernn.cli.app import build_app
from edgernn.errors import InputError, ModelError
from edgernn.runtime.handwriting import Pen
from edgernn.source.scoring import score_files
from edgernn.strokes import read_drawing
from edgernn.training import find_recipe, finetune, load_run, read_contract, shipped_recipes, train
from edgernn.training.options import read_options
from edgernn.training.pen_letters import write_samples
from edgernn.training.recipe import DATA_FOLDER_VARIABLE
from tests.once import made_once

NAME = "handwriting-generate"
TINY = read_contract(shipped_recipes()[NAME]).tiny.options

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _pens_that_the_recipe_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATA_FOLDER_VARIABLE, raising=False)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run, its streaming file, and that file in int8."""

    def make(into: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv(DATA_FOLDER_VARIABLE, raising=False)
            train(NAME, options=TINY, out=into / "run", device="cpu", quiet=True)
        invoke("export", into / "run", "-o", into / "writer.onnx", "--streaming")
        invoke("quantize", into / "writer.onnx", "-o", into / "writer.int8.onnx")

    return made_once(tmp_path_factory, "handwriting-run", make)


def invoke(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(build_app(), [str(word) for word in words])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


def test_a_file_writes_what_its_network_would(made: Path) -> None:
    """The same draws, from the graph point by point and from torch."""
    from edgernn.training.pen_generation import write_word

    run = load_run(made / "run")
    pen = Pen(edgernn.load(made / "writer.onnx"))
    words = find_recipe(NAME).prepare(read_options(find_recipe(NAME).options_type, TINY), None).test
    for index in range(3):
        text, writer = words.words[index].text, words.words[index].writer
        ours = pen.write_word(text, writer=writer, bias=0.5, seed=index)
        theirs = write_word(
            run.model, words.texts[index], words.writers[index], np.random.default_rng(index), bias=0.5
        )
        assert len(ours.strokes) == len(theirs.strokes)
        np.testing.assert_allclose(np.concatenate(ours.strokes), np.concatenate(theirs.strokes), atol=1e-3)
        other = pen.write_word(text, writer=writer, bias=0.5, seed=index + 100)
        assert len(np.concatenate(other.strokes)) != len(np.concatenate(ours.strokes))


def test_int8_is_smaller_proven_equal_and_foresees_as_well(made: Path) -> None:
    float32, int8 = made / "writer.onnx", made / "writer.int8.onnx"
    assert int8.stat().st_size < 0.6 * float32.stat().st_size
    invoke("verify", made / "run", int8)
    scoring = score_files(made / "run")
    assert scoring.score(edgernn.load(int8))["nats"] == pytest.approx(
        scoring.score(edgernn.load(float32))["nats"], abs=0.05
    )
    assert Pen(edgernn.load(int8)).write("tile", seed=0).strokes


def test_words_stand_in_lines_one_behind_another(made: Path) -> None:
    pen = Pen(edgernn.load(made / "writer.onnx"))
    one = pen.write("tile on lit", seed=0).points
    lines = pen.write("tile on\nlit", seed=0).points
    assert one[:, 0].min() == pytest.approx(0.0, abs=1e-6)
    assert one[:, 0].max() > lines[:, 0].max() + 1
    assert lines[:, 1].max() > one[:, 1].max() + 2
    assert np.array_equal(pen.write("tile on lit", width=7, seed=0).points, lines)


def test_bias_writes_with_less_chance(made: Path) -> None:
    """Words begin more alike."""
    pen = Pen(edgernn.load(made / "writer.onnx"))

    def spread(bias: float) -> float:
        words = [np.concatenate(pen.write_word("on", bias=bias, seed=seed).strokes) for seed in range(8)]
        return float(np.std([word[0] for word in words], axis=0).max())

    assert spread(8.0) < 0.5 * spread(0.0)


@pytest.mark.parametrize(
    ("text", "options", "complaint"),
    [
        ("", {}, "empty"),
        (" \n ", {}, "empty"),
        ("hello", {}, "'h'.*It writes ceilnot"),
        ("on 7", {}, "'7'"),
        ("<end>", {}, "'<'"),
        ("on " + "t" * 13, {}, "13 symbols.*up to 12"),
        ("on", {"writer": "nobody"}, "writer: 'nobody' is none.*pen 0"),
        ("on", {"bias": -1.0}, "bias"),
        ("on", {"bias": float("nan")}, "bias"),
        ("on", {"width": 0}, "width"),
    ],
)
def test_what_cannot_be_written_is_told(made: Path, text: str, options: dict, complaint: str) -> None:
    pen = Pen(edgernn.load(made / "writer.onnx"))
    with pytest.raises(InputError, match=complaint):
        pen.write(text, **options)


def test_files_of_other_kinds_are_refused(made: Path, tmp_path: Path) -> None:
    run = load_run(made / "run")
    edgernn.export(run.model, tmp_path / "whole.onnx", run.example_inputs(), check=False)
    with pytest.raises(ModelError, match="--streaming"):
        Pen(edgernn.load(tmp_path / "whole.onnx"))


def test_run_writes_pictures_and_strokes(made: Path, tmp_path: Path) -> None:
    file = made / "writer.onnx"
    told = invoke(
        "run", file, "--prompt", "tile on", "-o", tmp_path / "a.svg", "--set", "bias=2", "--seed", "3"
    )
    assert "strokes" in told
    assert (tmp_path / "a.svg").read_text().startswith("<svg")
    data = json.loads(
        invoke(
            "run",
            file,
            "--prompt",
            "tile on",
            "-o",
            tmp_path / "a.inkml",
            "--set",
            "bias=2",
            "--seed",
            "3",
            "--json",
        )
    )
    drawing = read_drawing(tmp_path / "a.inkml")
    assert (data["strokes"], data["points"]) == (len(drawing.strokes), len(drawing.points))
    np.testing.assert_allclose(
        drawing.points,
        Pen(edgernn.load(file)).write("tile on", bias=2.0, seed=3).points,
        rtol=1e-6,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--prompt", "hello", "-o", "a.svg"], "'h'"),
        (["--prompt", "on", "-o", "a.png"], ".svg or .inkml"),
        (["--prompt", "on"], "--output"),
        (["--prompt", "on", "-o", "a.svg", "--set", "biass=1"], "known are bias, writer"),
        (["--prompt", "on", "-o", "a.svg", "--set", "size=0"], "scale"),
    ],
)
def test_run_says_what_is_wrong_and_writes_nothing(
    made: Path, tmp_path: Path, words: list[str], complaint: str
) -> None:
    words = [str(tmp_path / word) if word.startswith("a.") else word for word in words]
    assert complaint in " ".join(invoke("run", made / "writer.onnx", *words, code=2).split())
    assert not list(tmp_path.iterdir())


def samples(folder: Path, words: list[str], hands: int, writer: str = "") -> Path:
    """Written words as InkML that says text and writer itself."""
    from edgernn.strokes import write_drawing

    for number, item in enumerate(write_samples(words, hands, 5)):
        said = {"truth": item.label, **({"writer": writer} if writer else {"writer": item.writer})}
        write_drawing(folder / f"{number}.inkml", item.drawing, said)
    return folder


def test_a_hand_of_one_s_own_is_learned_on_top(made: Path, tmp_path: Path) -> None:
    data = samples(tmp_path / "mine", ["on", "tile", "lit", "note"], 5, "me")
    report = finetune(
        NAME, made / "run", data=data, options={"max_epochs": 1, "least": 1}, out=tmp_path / "f", quiet=True
    )
    run = load_run(tmp_path / "f")
    assert run.config.metadata.labels == ("me",)
    assert run.config.metadata.vocabulary == load_run(made / "run").config.metadata.vocabulary
    assert report.training.scores["nats"] < report.training.scores["nats/one_mixture"]
    # Strangers' words cannot be scored by a network that does not know their hands.
    recipe = find_recipe(NAME)
    with pytest.raises(InputError, match="Finetune"):
        recipe.prepare_like(
            read_options(recipe.options_type, {"least": 1}), data, load_run(made / "run").config.metadata
        )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"least": 1000}, "lower the option least"),
        ({"shortest": 9}, "no word of 9 to 12"),
        ({"writers": ["nobody"]}, "by nobody"),
    ],
)
def test_data_that_leave_nothing_are_told(tmp_path: Path, options: dict, complaint: str) -> None:
    recipe = find_recipe(NAME)
    data = samples(tmp_path / "words", ["on", "no", "tile"], 8)
    with pytest.raises(InputError, match=complaint):
        recipe.prepare(read_options(recipe.options_type, options), data)


def test_the_picture_shows_words(made: Path) -> None:
    assert (made / "run" / "written.png").read_bytes().startswith(b"\x89PNG")
    assert "written" in (made / "run" / "report.html").read_text().lower()
