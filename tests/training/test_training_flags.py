"""Optimisers, schedules, precision, freezing, the profile and the gradient's flow in whole runs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from edgernn.errors import InputError
from edgernn.training import find_recipe, train
from edgernn.training.profile import read_profile

from .conftest import TINY

LONGER = {**TINY, "max_epochs": 6, "patience": 6}


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "sgd", "schedule": "one-cycle", "weight_decay": 0.01},
        {"optimizer": "adam", "schedule": "cosine", "precision": "bfloat16", "num_layers": 2, "dropout": 0.3},
        {"schedule": "plateau", "plateau_patience": 1, "learning_rate": 0.3, "layer_decay": 0.5,
         "freeze": "recurrent.cells.0.bias*"},
    ],
    ids=lambda changes: changes["schedule"],
)  # fmt: skip
def test_a_run_that_was_cut_off_anywhere_ends_as_if_it_had_not_been(
    series_file: Path, tmp_path: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {**LONGER, **changes}
    train("forecast", data=series_file, options=options, out=tmp_path / "whole", quiet=True)
    recipe = find_recipe("forecast")
    loss, calls = recipe.loss, iter(range(10_000))
    stops = {15, 23}

    def interrupted(*arguments: object) -> torch.Tensor:
        if next(calls) in stops:
            raise KeyboardInterrupt
        return loss(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(recipe, "loss", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, data=series_file, options=options, out=tmp_path / "cut", quiet=True)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, out=tmp_path / "cut", resume=True, quiet=True)
    train(recipe, out=tmp_path / "cut", resume=True, quiet=True)
    for name in ("model.safetensors", "last.safetensors"):
        whole, cut = load_file(tmp_path / "whole" / name), load_file(tmp_path / "cut" / name)
        assert whole.keys() == cut.keys()
        assert all(torch.equal(whole[key], cut[key]) for key in whole)
    assert (tmp_path / "whole/history.json").read_text() == (tmp_path / "cut/history.json").read_text()


def rates(folder: Path) -> list[float]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = EventAccumulator(str(folder / "tensorboard"))
    log.Reload()
    assert {"gradient_norm", "learning_rate"} <= set(log.Tags()["scalars"])
    return [event.value for event in log.Scalars("learning_rate")]


def test_the_schedule_drives_the_optimiser(series_file: Path, tmp_path: Path) -> None:
    options = {**TINY, "schedule": "one-cycle", "learning_rate": 0.01, "patience": 9}
    train("forecast", data=series_file, options=options, out=tmp_path / "run", quiet=True)
    found = rates(tmp_path / "run")
    assert max(found) == pytest.approx(0.01, rel=0.05)
    assert found[0] == pytest.approx(0.01 / 25, rel=1e-3)
    assert found[-1] < 1e-6


def test_a_frozen_parameter_stays_as_it_was(series_file: Path, tmp_path: Path) -> None:
    options = {**TINY, "freeze": "recurrent.*"}
    for epochs in (1, 3):
        train("forecast", data=series_file, options=options, out=tmp_path / str(epochs), max_epochs=epochs,
              quiet=True)  # fmt: skip
    one, three = (load_file(tmp_path / name / "model.safetensors") for name in ("1", "3"))
    same = {name for name in one if torch.equal(one[name], three[name])}
    assert {name for name in one if name.startswith("recurrent.")} <= same
    assert "head.weight" not in same


def test_a_schedule_that_ends_with_its_epochs_cannot_be_prolonged(series_file: Path, tmp_path: Path) -> None:
    options = {**TINY, "schedule": "cosine", "max_epochs": 1}
    train("forecast", data=series_file, options=options, out=tmp_path / "run", quiet=True)
    with pytest.raises(InputError, match="schedule 'cosine' ends with its max_epochs of 1"):
        train("forecast", out=tmp_path / "run", resume=True, max_epochs=2, quiet=True)


def test_looking_on_changes_nothing(series_file: Path, run_folder: Path, tmp_path: Path) -> None:
    watched = tmp_path / "watched"
    report = train("forecast", data=series_file, options=TINY, out=watched, quiet=True, profile=True,
                   gradient_flow=True)  # fmt: skip
    for name, value in load_file(run_folder / "last.safetensors").items():
        assert torch.equal(load_file(watched / "last.safetensors")[name], value)
    flows = json.loads((watched / "gradient_flow.json").read_text())
    assert [flow["epoch"] for flow in flows] == [1, 2, 3]
    assert list(report.warnings) == flows[-1]["warnings"]
    assert [layer["name"] for layer in flows[0]["layers"]] == ["recurrent.l0"]
    rows = read_profile(watched)
    parts = {row.name: row for row in rows if row.part}
    assert list(parts) == ["data", "forward and loss", "backward", "optimiser", "all else"]
    assert sum(row.share for row in parts.values()) == pytest.approx(1.0, abs=0.01)
    assert parts["backward"].milliseconds > 0
    assert any(row.name.startswith("aten::") for row in rows)
    trace = json.loads(gzip.decompress((watched / "profile/trace.json.gz").read_bytes()))
    assert any("backward" in event.get("name", "") for event in trace["traceEvents"])
