"""Pictures of a run: in TensorBoard's log, on the page, and without a trace in what is learned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from edgernn.training import TrainReport, load_run, shipped_recipes, train
from edgernn.training.gradient_flow import GradientFlow, LayerFlow
from edgernn.training.metrics.pictures import draw_confusion
from edgernn.training.pictures import draw_forecasts, draw_gradient_flow, draw_losses

from .conftest import TINY

TEXTS = shipped_recipes().get("text-classify", Path()) / "tiny.tsv"


@pytest.fixture
def report(series_file: Path, tmp_path: Path) -> TrainReport:
    return train(
        "forecast", data=series_file, options=TINY, out=tmp_path / "drawn", pictures=True, gradient_flow=True,
        quiet=True,
    )  # fmt: skip


def test_pictures_change_nothing(report: TrainReport, run_folder: Path) -> None:
    drawn, plain = (load_file(folder / "last.safetensors") for folder in (Path(report.folder), run_folder))
    assert all(torch.equal(drawn[name], plain[name]) for name in plain)


def test_tensorboard_gets_histograms_and_pictures_of_every_epoch(report: TrainReport) -> None:
    log = EventAccumulator(
        str(Path(report.folder) / "tensorboard"), size_guidance={"histograms": 0, "images": 0}
    )
    log.Reload()
    tags: Mapping[str, list[str]] = log.Tags()
    names = [name for name, _ in load_run(report.folder).model.named_parameters()]
    assert {f"{what}/{name}" for what in ("weights", "gradients") for name in names} == set(
        tags["histograms"]
    )
    assert set(tags["images"]) == {"result", "gradient_flow"}
    for tag in (*tags["histograms"], *tags["images"]):
        events = log.Histograms(tag) if tag in tags["histograms"] else log.Images(tag)
        assert [event.step for event in events] == [1, 2, 3]
    assert {"gradient_norm", "learning_rate", "validation_loss", "train_loss"} <= set(tags["scalars"])
    # The histogram of the last epoch is of the weights that the run ended with.
    head = load_file(Path(report.folder) / "last.safetensors")["checkpoint.'state_dict'.'model.head.weight'"]
    shown = log.Histograms("weights/head.weight")[-1].histogram_value
    assert shown.num == head.numel()
    assert shown.sum == pytest.approx(float(head.double().sum()), rel=1e-5)
    assert shown.max == pytest.approx(float(head.max()))


def test_the_page_shows_scores_epochs_and_pictures(report: TrainReport) -> None:
    page = (Path(report.folder) / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    assert f"{report.scores['rmse']:.4g}" in page
    assert f"{report.scores['rmse/persistence']:.4g}" in page
    assert page.count("<tr") > 30
    assert not list(Path(report.folder).rglob("*.part"))


def test_a_hostile_name_is_text_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "<script>.csv").write_text("y\n" + "\n".join(str(n % 6) for n in range(120)))
    train(
        "forecast", data=tmp_path / "<script>.csv", options={**TINY, "max_epochs": 1}, out=tmp_path / "run",
        pictures=True, quiet=True,
    )  # fmt: skip
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_classifiers_picture_is_its_confusion(tmp_path: Path) -> None:
    options = {"max_epochs": 1, "hidden_size": 4, "embedding_size": 4}
    train("text-classify", data=TEXTS, options=options, out=tmp_path / "run", pictures=True, quiet=True)
    assert {path.name for path in (tmp_path / "run").glob("*.png")} == {
        "training.png", "result.png", "confusion.png", "roc.png",
    }  # fmt: skip


def test_a_confusion_says_what_was_counted() -> None:
    drawn = draw_confusion(torch.tensor([[3, 1], [0, 4]]), ["a", "b"]).axes[0]
    assert [text.get_text() for text in drawn.texts] == ["3", "1", "0", "4"]
    np.testing.assert_allclose(drawn.images[0].get_array(), [[0.75, 0.25], [0, 1]])
    assert [label.get_text() for label in drawn.get_yticklabels()] == ["a", "b"]
    empty = draw_confusion(torch.zeros(30, 30, dtype=torch.int64), [str(n) for n in range(30)]).axes[0]
    assert not empty.texts


def test_lines_are_what_was_given() -> None:
    history = [{"epoch": 1, "train_loss": 2.0, "validation_loss": 3.0}] * 2
    assert [line.get_ydata()[0] for line in draw_losses(history, 1).axes[0].lines[:2]] == [2.0, 3.0]
    truth = np.arange(200.0)
    lines = draw_forecasts(truth, {"before": truth - 1, "own": truth + 1}, "°C", shown=50).axes[0].lines
    assert {line.get_label(): line.get_ydata()[0] for line in lines} == {
        "before": 149,
        "truth": 150,
        "own": 151,
    }


def test_nothing_that_arrives_leaves_a_gap() -> None:
    layer = LayerFlow("gru.l0", (0.0, 1.0, 2.0, 0.0), early=0.0, late=2.0, largest=2.0)
    line = draw_gradient_flow(GradientFlow(3, (layer,), {})).axes[0].lines[0]
    np.testing.assert_array_equal(line.get_ydata(), [np.nan, 1.0, 2.0, np.nan])
    assert line.get_label() == "gru.l0 (vanishing)"
