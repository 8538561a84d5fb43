"""The recipe that reads handwriting, from data to a device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import edgernn
from edgernn.ctc import CTCDecoder
from edgernn.errors import InputError, StreamingError
from edgernn.strokes import point_rows, write_drawing
from edgernn.training import find_recipe, finetune, load_run, read_contract, shipped_recipes, train
from edgernn.training.options import read_options
from edgernn.training.pen_letters import write_samples
from edgernn.training.run import Run
from edgernn.training.writings import Writing
from tests.once import made_once

# Single letters among them, which show what is what long before texts would.
WORDS = ("o", "n", "on", "no", "oon", "noo")
OFF = dict.fromkeys(("rotate", "lean", "widen", "resize", "bend", "backwards", "reorder"), 0)
KINDS: dict[str, dict[str, Any]] = {
    "characters": {"bidirectional": False},
    "texts": {
        **OFF, "bidirectional": False, "words": WORDS, "hidden_size": 48, "channels": 24, "stride": 4,
        "batch_size": 4, "learning_rate": 0.01, "max_epochs": 10,
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run of each kind, in one direction."""

    def make(into: Path) -> None:
        tiny = read_contract(shipped_recipes()["handwriting"]).tiny.options
        for kind, options in KINDS.items():
            train("handwriting", options={**tiny, **options}, out=into / kind, device="cpu", quiet=True)

    return made_once(tmp_path_factory, "handwriting-runs", make)


def export(run: Run, path: Path, **options: Any) -> Path:
    about = run.config.metadata
    metadata = {
        "task": about.task, "labels": about.labels, "vocabulary": about.vocabulary,
        "features": about.features, "unit": about.input_unit,
    }  # fmt: skip
    edgernn.export(run.model, path, run.example_inputs(), metadata=metadata, **options)
    return path


def prepare(data: Path | None = None, **options: Any) -> Any:
    recipe = find_recipe("handwriting")
    return recipe.prepare(read_options(recipe.options_type, options), data)


def keep(writings: list[Writing], folder: Path) -> Path:
    """Drawings as files: LABEL/WRITER_number.csv."""
    for number, item in enumerate(writings):
        name = f"{item.writer.replace(' ', '')}_{number}.csv"
        write_drawing(folder / item.label / name, item.drawing)
    return folder


def table(writings: list[Writing], folder: Path) -> Path:
    """Drawings as files and a table of their texts."""
    rows = ["file,text,writer"]
    for number, item in enumerate(writings):
        write_drawing(folder / f"{number}.inkml", item.drawing)
        rows.append(f"{number}.inkml,{item.label},{item.writer}")
    (folder / "texts.csv").write_text("\n".join(rows) + "\n")
    return folder / "texts.csv"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_reads_what_the_whole_drawing_says(kind: str, folder: Path, tmp_path: Path) -> None:
    run = load_run(folder / kind)
    float32 = export(run, tmp_path / "f.onnx", streaming=True)
    (rows,) = run.example_inputs()
    whole = run.model(rows).detach().numpy()
    stream = edgernn.load(float32).stream(len(rows))
    parts = np.split(rows.numpy(), [4, 8, 16], axis=1)
    got = np.concatenate([stream.push(part) for part in parts], axis=1)
    np.testing.assert_allclose(got, whole, atol=1e-4)
    # A quarter of the weights' bytes, and the same answers.
    edgernn.quantize(float32, tmp_path / "i.onnx", calibration=[rows.numpy()])
    assert edgernn.verify(run.model, tmp_path / "i.onnx", example_inputs=run.example_inputs()).passed
    small = edgernn.load(tmp_path / "i.onnx").stream(len(rows)).push(rows.numpy())
    assert (small.argmax(-1) == got.argmax(-1)).mean() > 0.9


@pytest.mark.slow
def test_texts_are_read_letter_by_letter(folder: Path) -> None:
    run = load_run(folder / "texts")
    scores = run.config.scores
    assert scores["cer"] < 0.5 * scores["cer/one_text"]
    decoder = CTCDecoder(run.config.metadata.vocabulary)
    # Pens that training did not see.
    right = 0
    for item in write_samples(WORDS, 3, 77):
        answer = run.model(torch.from_numpy(point_rows(item.drawing))[None])[0].detach().numpy()
        right += decoder.decode(answer) == item.label
    assert right > 9
    lines = (folder / "texts" / "texts.csv").read_text().splitlines()
    assert lines[0] == "said,read"
    assert len(lines) == 1 + 8 * len(WORDS)


@pytest.mark.slow
def test_drawings_of_one_s_own_are_learned_by_finetuning(folder: Path, tmp_path: Path) -> None:
    data = keep(write_samples(("3", "x", "y"), 15, 5), tmp_path / "own")
    options = {"max_epochs": 25, "writer_pattern": "^(.+)_"}
    report = finetune(
        "handwriting", folder / "characters", data=data, options=options, out=tmp_path / "f", quiet=True
    )
    assert load_run(tmp_path / "f").config.metadata.labels == ("3", "x", "y")
    assert report.training.scores["accuracy"] > 1.5 * report.training.scores["accuracy/majority"]
    report = finetune(
        "handwriting", folder / "texts", data=table(write_samples(("noon", "on"), 8, 5), tmp_path / "t"),
        options={"max_epochs": 1}, out=tmp_path / "g", quiet=True,
    )  # fmt: skip
    assert report.training.scores["cer"] < 0.6


def test_a_character_that_is_not_known_is_named(tmp_path: Path) -> None:
    recipe = find_recipe("handwriting")
    known = prepare().metadata
    data = keep(write_samples(("3", "x"), 8, 5), tmp_path / "own")
    with pytest.raises(InputError, match="'x' is none of those that are learned: 0, 1, 2"):
        recipe.prepare_like(read_options(recipe.options_type, {}), data, known)
    texts = table(write_samples(("no", "nix"), 8, 5), tmp_path / "own")
    known = prepare(words="no,on").metadata
    with pytest.raises(InputError, match="holds 'i', which is none of the symbols"):
        recipe.prepare_like(read_options(recipe.options_type, {}), texts, known)


def test_data_say_what_they_are_of(tmp_path: Path) -> None:
    samples = write_samples(("up", "down"), 10, 3)
    names = prepare(keep(samples, tmp_path / "names"))
    assert names.metadata.labels == ("down", "up")
    assert "not known" in names.source
    known = prepare(tmp_path / "names", writer_pattern="^(.+)_")
    assert "by 10 writers, 2 of them in the test part alone" in known.source
    texts = prepare(table(samples, tmp_path / "texts"))
    assert texts.metadata.vocabulary == ("<blank>", *"dnopuw")
    forced = prepare(tmp_path / "texts" / "texts.csv", kind="characters")
    assert forced.metadata.labels == ("down", "up")
    assert prepare(tmp_path / "names", kind="texts", lower=True).metadata.vocabulary[0] == "<blank>"
    without = prepare()
    assert "pens of its own, for want of yours" in without.source
    assert without.metadata.labels == tuple("0123456789")


def test_a_fold_holds_its_writers_apart(tmp_path: Path) -> None:
    data = table(write_samples(("a", "b"), 10, 3), tmp_path)
    sizes = [len(prepare(data, test_fold=f"{n}/5").test) for n in range(1, 6)]
    assert sizes == [4] * 5
    assert "2 of them in the test part alone" in prepare(data, test_fold="2/5").source
    for fold in ("6/5", "0/5", "1/11", "a"):
        with pytest.raises(InputError, match="test_fold"):
            prepare(data, test_fold=fold)


def test_training_sees_another_hand_each_time_and_scoring_does_not() -> None:
    for options in ({}, {"words": "on,no"}):
        prepared = prepare(**options)
        torch.manual_seed(3)
        first, second = prepared.train[0][0], prepared.train[0][0]
        assert first.shape != second.shape or not torch.equal(first, second)
        torch.manual_seed(3)
        torch.testing.assert_close(prepared.train[0][0], first)
        torch.testing.assert_close(prepared.test[0][0], prepared.test[0][0])
        plain = prepare(**options, **OFF).train
        torch.testing.assert_close(plain[0][0], plain.sequences[0])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"words": "naïve"}, "'naïve' is none that can be written here"),
        ({"words": "a"}, "drawings of one label"),
        ({"test_size": 0.01}, "16 writers|writers leave none"),
        ({"stride": 3}, "power of 2"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        find_recipe("handwriting").build(prepare(**options).arguments)


def test_both_directions_do_not_stream(tmp_path: Path) -> None:
    prepared = prepare()
    model = find_recipe("handwriting").build({**prepared.arguments, "hidden_size": 4}).eval()
    with pytest.raises(StreamingError, match="recurrent"):
        edgernn.export(model, tmp_path / "m.onnx", prepared.example, streaming=True)


@pytest.mark.parametrize("words", ["", "on,no"])
def test_the_picture_shows_what_was_read(words: str) -> None:
    recipe = find_recipe("handwriting")
    prepared = prepare(words=words, hidden_size=4, channels=4)
    model = recipe.build(prepared.arguments).eval()
    recipe.initialise(model, prepared)
    with torch.no_grad():
        picture = recipe.picture(model, prepared)
    assert picture is not None
    (axes,) = picture.axes
    shown = [text.get_text() for text in axes.texts]
    # Untrained it is wrong nearly everywhere, and says what is right.
    assert len(shown) == min(24, len(prepared.validation))
    assert sum("≠" in text for text in shown) > 0.5 * len(shown)
