"""Finetuning: what is kept, what is replaced, what stands still, and what is told of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from edgernn.errors import InputError
from edgernn.training import evaluate, finetune, load_run, train
from edgernn.training.config import RunConfig
from edgernn.training.recipe import Metadata
from edgernn.training.transfer import transfer

from .conftest import TEXT_OPTIONS, seasonal_values, texts, write_series


def test_a_new_label_is_learned_with_the_old_vocabulary_and_rows(text_run: Path, tmp_path: Path) -> None:
    new = texts(tmp_path / "new.tsv", "car", "cat", "dog")
    report = finetune("text-classify", text_run, data=new, out=tmp_path / "run", max_epochs=10, quiet=True)
    before, after = RunConfig.read(text_run), RunConfig.read(tmp_path / "run")
    assert after.metadata.vocabulary == before.metadata.vocabulary
    assert after.metadata.labels == ("car", "cat", "dog")
    assert after.parent == str(text_run)
    scores = report.training
    assert scores.scores_before["accuracy"] < scores.scores["accuracy"] >= 0.9
    assert scores.scores_before == after.scores_before
    # Every old label is among the new ones, so the new head itself is scored on the old data.
    assert not report.old_head
    assert report.old_before == pytest.approx(before.scores)
    assert report.old_after["accuracy"] >= 0.9
    assert json.loads(report.to_json())["training"]["scores"] == scores.scores


def test_other_labels_get_a_new_head_and_what_is_frozen_stays(text_run: Path, tmp_path: Path) -> None:
    new = texts(tmp_path / "new.tsv", "car", "cat")
    report = finetune(
        "text-classify", text_run, data=new, out=tmp_path / "run", max_epochs=2, quiet=True,
        options={"freeze": "embedding*,recurrent.*", "layer_decay": 0.5},
    )  # fmt: skip
    old, now = (load_file(folder / "model.safetensors") for folder in (text_run, tmp_path / "run"))
    same = {name for name in old if torch.equal(old[name], now[name])}
    assert same == {name for name in old if name.startswith(("embedding", "recurrent"))}
    assert report.old_head
    # The body hardly moved, so under its own head the old network still knows the old texts.
    assert report.old_after["accuracy"] >= report.old_before["accuracy"] - 0.2


def test_a_finetuned_run_resumes_to_the_same_result(text_run: Path, tmp_path: Path) -> None:
    new = texts(tmp_path / "new.tsv", "car", "cat")
    common = {"data": new, "quiet": True, "options": {"schedule": "constant"}}
    finetune("text-classify", text_run, out=tmp_path / "whole", max_epochs=3, **common)
    finetune("text-classify", text_run, out=tmp_path / "parts", max_epochs=1, **common)
    train("text-classify", out=tmp_path / "parts", resume=True, max_epochs=3, quiet=True)
    whole, parts = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert RunConfig.read(tmp_path / "parts").parent == str(text_run)


def test_a_forecaster_keeps_its_normalisation(run_folder: Path, tmp_path: Path) -> None:
    other = write_series(tmp_path / "other.csv", 100 + 2 * seasonal_values())
    report = finetune("forecast", run_folder, data=other, out=tmp_path / "new", max_epochs=1, quiet=True)
    old, now = (load_file(folder / "model.safetensors") for folder in (run_folder, tmp_path / "new"))
    assert all(torch.equal(old[name], now[name]) for name in ("mean", "scale", "change"))
    assert not torch.equal(old["head.weight"], now["head.weight"])
    assert {"rmse", "mae", "mase"} <= set(report.training.scores_before)
    # The run's own data file is not there any more: it was another test's.
    assert set(report.old_before) == set(report.old_after)


def test_forgetting_is_not_made_up_where_the_old_data_are_gone(text_run: Path, tmp_path: Path) -> None:
    data = texts(tmp_path / "old.tsv", "cat", "dog")
    train(
        "text-classify", data=data, options={**TEXT_OPTIONS, "max_epochs": 1}, out=tmp_path / "a", quiet=True
    )
    new = data.rename(tmp_path / "new.tsv")
    report = finetune("text-classify", tmp_path / "a", data=new, out=tmp_path / "b", max_epochs=1, quiet=True)
    assert report.old_before == report.old_after == {}


def test_other_data_are_scored_with_the_runs_own_labels(text_run: Path, tmp_path: Path) -> None:
    assert evaluate(text_run, texts(tmp_path / "a.tsv", "cat", "dog")).scores["accuracy"] >= 0.9
    with pytest.raises(InputError, match=r"line \d+: the label 'car' is none of those .* cat, dog"):
        evaluate(text_run, texts(tmp_path / "b.tsv", "cat", "car"))


def test_rows_are_taken_over_by_label() -> None:
    known, now = Metadata("t", labels=("a", "b", "c")), Metadata("t", labels=("b", "d", "a"))
    old, new = nn.Sequential(nn.Linear(2, 3)), nn.Sequential(nn.Linear(2, 3))
    body, head = (
        nn.ModuleDict({"body": old, "head": nn.Linear(3, 3)}),
        nn.ModuleDict({"body": new, "head": nn.Linear(3, 3)}),
    )
    drawn = head["head"].weight.detach().clone()
    found = transfer(head, body.state_dict(), known, now)
    assert found.kept == ("body.0.weight", "body.0.bias")
    assert found.resized == ("head.weight", "head.bias")
    theirs, mine = body["head"].weight, head["head"].weight
    assert torch.equal(mine[0], theirs[1])
    assert torch.equal(mine[1], drawn[1])
    assert torch.equal(mine[2], theirs[0])


@pytest.mark.parametrize(
    ("recipe", "options", "said"),
    [
        ("forecast", {}, "is of recipe 'text-classify', not 'forecast'"),
        ("text-classify", {"freeze": "lstm*"}, "no parameter matches 'lstm"),
    ],
)
def test_what_does_not_fit_is_refused(text_run: Path, tmp_path: Path, recipe, options, said: str) -> None:
    with pytest.raises(InputError, match=said):
        finetune(recipe, text_run, data=texts(tmp_path / "a.tsv", "cat", "dog"), options=options,
                 out=tmp_path / "run", quiet=True)  # fmt: skip


def test_a_finetuned_run_loads_as_any_other(text_run: Path, tmp_path: Path) -> None:
    new = texts(tmp_path / "new.tsv", "car", "cat", "dog")
    finetune("text-classify", text_run, data=new, out=tmp_path / "run", max_epochs=1, quiet=True)
    run = load_run(tmp_path / "run")
    (ids,) = run.example_inputs()
    assert run.model(ids).shape == (len(ids), 3)
