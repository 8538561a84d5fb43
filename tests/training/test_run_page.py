"""report.html of a run and of an evaluation, and the files beside it."""

from __future__ import annotations

import base64
import csv
from pathlib import Path

import pytest

from edgernn.errors import InputError
from edgernn.sound import write_sound
from edgernn.training import evaluate
from edgernn.training.config import RunConfig
from edgernn.training.pictures import draw_losses
from edgernn.training.run_page import write_score_page

from .conftest import texts

PNG = b"\x89PNG"


def test_a_run_of_a_classifier_shows_its_pictures_and_scores(text_run: Path) -> None:
    page = (text_run / "report.html").read_text("utf-8")
    for picture in ("training.png", "confusion.png", "roc.png"):
        content = (text_run / picture).read_bytes()
        assert content.startswith(PNG)
        assert base64.b64encode(content).decode() in page
    config = RunConfig.read(text_run)
    assert {"accuracy", "precision", "recall", "f1", "auc", "f1/naive_bayes"} <= set(config.scores)
    assert "auc/naive_bayes" not in config.scores  # it gives no probabilities
    assert f"{config.scores['auc']:.4g}" in page
    assert "one-cycle" in page
    rows = list(csv.DictReader((text_run / "classes.csv").read_text("utf-8").splitlines()))
    assert [row["label"] for row in rows] == ["cat", "dog"]
    assert sum(int(row["samples"]) for row in rows) == 6


def test_an_evaluation_writes_where_it_is_told(text_run: Path, tmp_path: Path) -> None:
    other = texts(tmp_path / "<other> & more.tsv", "cat", "dog")
    report = evaluate(text_run, other, out=tmp_path / "details")
    assert {path.name for path in (tmp_path / "details").iterdir()} == {
        "report.html", "confusion.csv", "confusion.png", "classes.csv", "roc.png",
    }  # fmt: skip
    page = (tmp_path / "details" / "report.html").read_text("utf-8")
    assert "&lt;other&gt; &amp; more.tsv" in page
    assert "<other>" not in page
    assert report.source in page.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    with pytest.raises(InputError, match=r"out: .* is not empty\. Name another folder\.$"):
        evaluate(text_run, other, out=tmp_path / "details")


def test_a_loss_below_zero_is_drawn_too() -> None:
    history = [{"epoch": n, "train_loss": 1.0 - n, "validation_loss": 2.0 - n} for n in (1, 2, 3)]
    axes = draw_losses(history, 3).axes[0]
    assert (axes.get_yscale(), axes.get_ylabel()) == ("linear", "loss")


def test_scores_that_only_some_have_leave_a_gap(tmp_path: Path) -> None:
    write_score_page(tmp_path, "mine", "some data", {"a": 0.25, "b": 0.5, "a/plain": 0.125})
    page = (tmp_path / "report.html").read_text("utf-8")
    assert '<tr><td>plain</td><td class="n">0.125</td><td class="n"></td></tr>' in page


def test_sounds_are_heard_by_sample(tmp_path: Path) -> None:
    for name in ("rain, 0 dB, input", "rain, 0 dB, output", "<fan>, 5 dB, input"):
        write_sound(tmp_path / "sounds" / f"{name}.wav", [0.5, -0.25], 8000)
    write_score_page(tmp_path, "mine", "some data", {"a": 0.25})
    page = (tmp_path / "report.html").read_text("utf-8")
    content = base64.b64encode((tmp_path / "sounds" / "rain, 0 dB, input.wav").read_bytes()).decode()
    assert page.count(f'src="data:audio/wav;base64,{content}"') == 3  # all three hold the same samples
    assert page.index("<td>&lt;fan&gt;, 5 dB</td>") < page.index("<td>rain, 0 dB</td>")
    assert page.index("input<br>", page.index("rain, 0 dB")) < page.index("output<br>")


def test_without_sounds_there_is_no_place_for_them(text_run: Path) -> None:
    assert "<audio" not in (text_run / "report.html").read_text("utf-8")
