"""What recipes that classify share: baselines, class weights, scores, the confusion matrix."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from edgernn.errors import InputError
from edgernn.training import find_recipe, train
from edgernn.training.augmentation import add_noise, crop, rescale, stretch
from edgernn.training.classification import Sequences, class_weights
from edgernn.training.naive_bayes import naive_bayes
from edgernn.training.neighbour import nearest_by_statistics
from edgernn.training.options import read_options


def ids(*rows: str) -> list[torch.Tensor]:
    return [torch.tensor([ord(sign) for sign in row]) for row in rows]


def test_naive_bayes_by_hand() -> None:
    # With three known symbols and one for all others: 1/3 · (2 + 1)/(3 + 4) of class 1 for b is more than
    # 2/3 · (0 + 1)/(4 + 4) of class 0, and 1/3 · 1/7 for z is less than 2/3 · 1/8.
    train_part, classes = ids("aa", "ac", "bba"), [0, 0, 1]
    assert naive_bayes(train_part, classes, ids("a", "b", "bb", "z")).tolist() == [0, 1, 1, 0]
    # "ab" and "ba" hold the same letters; pairs tell them apart.
    pairs = naive_bayes(ids("ab", "ba"), [0, 1], ids("ab", "ba"), width=2)
    assert pairs.tolist() == [0, 1]


def test_the_nearest_recording_is_found_in_units_of_each_statistic() -> None:
    quiet, loud = torch.randn(50, 2) * torch.tensor([0.01, 1e4]), torch.randn(50, 2) * torch.tensor([1, 1e4])
    assert nearest_by_statistics([quiet, loud], [3, 5], [loud[:40], quiet[5:]]).tolist() == [5, 3]


def test_balanced_classes_weigh_alike() -> None:
    weights = class_weights([0, 0, 0, 1], 2, "balanced")
    assert weights is not None
    assert 3 * weights[0] == weights[1]
    assert float(weights[torch.tensor([0, 0, 0, 1])].mean()) == pytest.approx(1)
    assert class_weights([0, 1], 2, "none") is None


def test_augmentation_keeps_what_it_should() -> None:
    torch.manual_seed(0)
    values = torch.arange(200.0).reshape(100, 2)
    cut = crop(values, 0.5)
    assert 50 <= len(cut) < 100
    assert (cut[1:] - cut[:-1] == 2).all()
    assert torch.equal(crop(values[:5], 0.9), values[:5])
    played = stretch(values, 0.3)
    assert 70 <= len(played) <= 130
    torch.testing.assert_close(played[[0, -1]], values[[0, -1]])
    assert torch.equal(rescale(values, 0.0, torch.ones(2)), values)
    louder = rescale(values, 0.1, torch.tensor([1.0, 1e6]))
    assert (louder - values)[:, 1].abs().min() > 100 * (louder - values)[:, 0].abs().max()
    noise = add_noise(values, 0.5, torch.tensor([1.0, 10.0])) - values
    torch.testing.assert_close(noise.std(0), torch.tensor([0.5, 5.0]), rtol=0.3, atol=0)


@pytest.mark.parametrize("weights", ["none", "balanced"])
def test_rare_classes_count_where_they_are_asked_to(tmp_path: Path, weights: str) -> None:
    """One text in ten is of the rare label, and nothing tells them apart."""
    lines = [f"{'rare' if n % 10 == 0 else 'often'}\tsame text" for n in range(200)]
    (tmp_path / "a.tsv").write_text("label\ttext\n" + "\n".join(lines) + "\n")
    options = {"class_weights": weights, "embedding_size": 4, "hidden_size": 4, "max_epochs": 6,
               "learning_rate": 0.02, "minimum_count": 1, "dropout": 0.0}  # fmt: skip
    train("text-classify", data=tmp_path / "a.tsv", options=options, out=tmp_path / "run", quiet=True)
    from edgernn.training import load_run

    run = load_run(tmp_path / "run")
    scores = run.model(run.example_inputs()[0]).detach()
    rare = float(scores[0, run.config.metadata.labels.index("rare")])
    assert rare == pytest.approx(0.5 if weights == "balanced" else 0.1, abs=0.06)
    rows = list(csv.reader((tmp_path / "run" / "confusion.csv").read_text().splitlines()))
    assert rows[0][1:] == ["often", "rare"]
    assert sum(int(cell) for row in rows[1:] for cell in row[1:]) == 40


def test_scores_are_those_of_a_network_that_is_always_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = find_recipe("sensor-activity")
    tiny = recipe.folder / "tiny.csv"
    prepared = recipe.prepare(read_options(recipe.options_type, {}), tiny)
    model = recipe.build(prepared.arguments)
    recipe.initialise(model, prepared)
    test = prepared.test
    assert isinstance(test, Sequences)
    wrong = [(cls + 1) % 3 for cls in test.classes]
    sure = torch.nn.functional.one_hot(torch.tensor(wrong), 3).float()
    monkeypatch.setattr(type(recipe), "probabilities", lambda *_: sure)
    scores = recipe.score(model, prepared)
    assert scores["auc"] < 0.5
    assert scores["accuracy"] == scores["f1"] == 0
    assert scores["accuracy/majority"] == pytest.approx(1 / 3, abs=0.1)


@pytest.mark.parametrize(
    ("recipe", "options", "said"),
    [
        ("sensor-activity", {"test_group": "anna"}, "no group 'anna'; the groups are none"),
        ("sensor-activity", {"minimum_recordings": 99}, "the most frequent one has 14"),
        ("sensor-activity", {"test_data": "none.csv"}, "nothing at 'none.csv'"),
        ("text-classify", {"test_data": "none.csv"}, "nothing at 'none.csv'"),
        ("text-classify", {"text_column": "txt"}, "no column 'txt'"),
    ],
)
def test_wrong_options_are_refused(
    monkeypatch: pytest.MonkeyPatch, recipe: str, options: dict[str, object], said: str
) -> None:
    monkeypatch.delenv("EDGERNN_DATA", raising=False)
    found = find_recipe(recipe)
    (data,) = found.folder.glob("tiny.*")
    with pytest.raises(InputError, match=said):
        found.prepare(read_options(found.options_type, options), data)
    with pytest.raises(InputError, match="comes without data"):
        found.prepare(read_options(found.options_type, {}), None)
