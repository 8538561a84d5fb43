"""A search is seeded, prunes, and goes on after an interruption as if it had not been."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock

from edgernn.errors import InputError, MissingDependencyError
from edgernn.training import SearchReport, find_recipe, load_run, search, train

OPTIONS = {"column": "y", "window": 8, "hidden_size": 4, "max_epochs": 4, "season": 6, "batch_size": 32}
SPACE = """
[learning_rate]
low = 1e-7
high = 3e-2
log = true
[cell]
choices = ["gru", "rnn"]
[num_layers]
low = 1
high = 2
"""
TRIALS = 9


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("search")
    values = 3 * np.sin(np.arange(100) * np.pi / 3) + 0.3 * np.random.default_rng(0).normal(size=100)
    (found / "series.csv").write_text("y\n" + "\n".join(f"{value:.5f}" for value in values) + "\n")
    (found / "space.toml").write_text(SPACE)
    return found


def look(folder: Path, out: str, **more: object) -> SearchReport:
    arguments = {"data": folder / "series.csv", "options": OPTIONS, "device": "cpu", "trials": TRIALS}
    return search("forecast", folder / "space.toml", out=folder / out, **{**arguments, **more})


@pytest.fixture(scope="module")
def whole(folder: Path) -> SearchReport:
    return look(folder, "whole")


def found(report: SearchReport) -> list[tuple[object, ...]]:
    return [
        (trial.number, trial.options, trial.state, trial.validation_loss, trial.epochs)
        for trial in report.trials
    ]


@pytest.mark.slow
def test_the_best_trial_is_a_run_as_any_other(folder: Path, whole: SearchReport, tmp_path: Path) -> None:
    best = whole.best_trial
    assert best is not None
    complete = [trial for trial in whole.trials if trial.state == "complete"]
    assert best.validation_loss == min(trial.validation_loss for trial in complete)
    run = load_run(best.folder)
    assert run.config.scores == whole.scores
    assert {name: run.config.options[name] for name in best.options} == best.options
    alone = train(
        "forecast", data=folder / "series.csv", options={**OPTIONS, **best.options}, out=tmp_path / "alone",
        device="cpu", quiet=True,
    )  # fmt: skip
    assert alone.scores == whole.scores


@pytest.mark.slow
def test_bad_trials_are_pruned(whole: SearchReport) -> None:
    pruned = [trial for trial in whole.trials if trial.state == "pruned"]
    best = whole.best_trial
    assert pruned
    assert best is not None
    for trial in pruned:
        assert trial.number >= 5
        assert trial.epochs < 4
        assert trial.validation_loss > best.validation_loss


@pytest.mark.slow
def test_an_interrupted_search_goes_on_as_if_it_had_not_been(
    folder: Path, whole: SearchReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = find_recipe("forecast")
    loss, calls = recipe.loss, iter(range(10_000))
    said: list[str] = []

    def interrupted(*arguments: object) -> torch.Tensor:
        # In an epoch of the fourth trial: an epoch has 3 batches, and the validation part's.
        if next(calls) == 55:
            raise KeyboardInterrupt
        return loss(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(recipe, "loss", interrupted)
        with pytest.raises(KeyboardInterrupt):
            look(folder, "stopped", say=said.append)
    before = json.loads((folder / "stopped" / "search.json").read_text())["trials"]
    assert 0 < len(before) < TRIALS
    assert said[-1].startswith(f"Stopped after {len(before)} trials.")
    unfinished = folder / "stopped" / f"trial-{len(before):03d}"
    assert unfinished.exists()
    report = look(folder, "stopped", resume=True)
    assert found(report) == found(whole)
    assert (report.best, report.scores) == (whole.best, whole.scores)
    # Two more trials, on top.
    more = look(folder, "stopped", resume=True, trials=TRIALS + 1)
    assert found(more)[:TRIALS] == found(whole)
    assert len(more.trials) == TRIALS + 1


@pytest.mark.slow
def test_the_seed_decides_what_is_tried(folder: Path, whole: SearchReport) -> None:
    other = look(folder, "other", seed=1, trials=1)
    assert other.trials[0].options != whole.trials[0].options


@pytest.mark.slow
def test_the_table(whole: SearchReport) -> None:
    with (Path(whole.folder) / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == [trial.state for trial in whole.trials]
    assert [float(row["learning_rate"]) for row in rows] == [
        trial.options["learning_rate"] for trial in whole.trials
    ]
    assert json.loads((Path(whole.folder) / "search.json").read_text()) == json.loads(whole.to_json())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seed": 3}, "resume: seed of the search in .* is 0, found 3"),
        ({"options": {**OPTIONS, "window": 9}}, "resume: options of the search"),
    ],
)
def test_another_search_is_not_resumed(
    folder: Path, whole: SearchReport, changed: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        look(folder, "whole", resume=True, **changed)


@pytest.mark.slow
def test_a_changed_space_is_not_resumed(folder: Path, whole: SearchReport) -> None:
    (folder / "space.toml").write_text(SPACE.replace("high = 2", "high = 3"))
    with pytest.raises(InputError, match="resume: space of the search"):
        look(folder, "whole", resume=True)
    (folder / "space.toml").write_text(SPACE)


@pytest.mark.slow
def test_a_trial_that_fails_is_told_and_the_search_goes_on(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text("[window]\nchoices = [8, 2000]\n")
    # The default window fits; all of these do not.
    (tmp_path / "large.toml").write_text("[window]\nchoices = [1000, 2000]\n")
    options = {"column": "y", "hidden_size": 4, "max_epochs": 1}
    data = {"data": folder / "series.csv", "options": options, "device": "cpu"}
    with pytest.raises(InputError, match=r"all 2 trials failed; the first one: .*series has 100 time steps"):
        search("forecast", tmp_path / "large.toml", out=tmp_path / "large", trials=2, **data)
    report = search("forecast", tmp_path / "space.toml", out=tmp_path / "mixed", trials=6, **data)
    states = {trial.options["window"]: trial.state for trial in report.trials}
    assert states == {8: "complete", 2000: "failed"}
    assert all("series has 100 time steps" in t.reason for t in report.trials if t.state == "failed")


def test_wrong_use_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="trials: must be 1 or more, found 0"):
        look(folder, "none", trials=0)
    with pytest.raises(InputError, match=r"is not the folder of a search: it holds no study\.journal"):
        look(folder, "none", resume=True)
    with pytest.raises(InputError, match="is not empty"):
        look(folder, ".")
    (folder / "taken").mkdir(exist_ok=True)
    (folder / "taken" / "study.journal").touch()
    with (
        FileLock(folder / "taken" / "search.lock"),
        pytest.raises(InputError, match="another process searches"),
    ):
        look(folder, "taken", resume=True)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'edgernn\[search\]'"):
        look(folder, "none")
