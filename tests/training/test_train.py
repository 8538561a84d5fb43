from __future__ import annotations

import json
import logging
import pickletools
import shutil
import signal
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from edgernn.errors import InputError
from edgernn.training import find_recipe, load_run, train
from edgernn.training.config import RunConfig

from .conftest import TINY, seasonal_values, write_series


def weights(folder: Path, name: str = "model.safetensors") -> dict[str, torch.Tensor]:
    return load_file(folder / name)


def assert_same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


def history(folder: Path) -> list[dict[str, float]]:
    found: list[dict[str, float]] = json.loads((folder / "history.json").read_text())["epochs"]
    return found


def test_a_run_folder_holds_what_it_must(run_folder: Path) -> None:
    names = {path.name for path in run_folder.iterdir()}
    assert names == {
        "config.json", "history.json", "model.safetensors", "last.safetensors", "example.safetensors",
        "training.png", "report.html", "tensorboard",
    }  # fmt: skip
    assert list((run_folder / "tensorboard").glob("events.out.tfevents.*"))
    config = RunConfig.read(run_folder)
    assert (config.recipe, config.epochs, config.stopped) == ("forecast", 3, "max_epochs")
    assert {"rmse", "mae", "mase", "rmse/persistence", "rmse/seasonal_naive"} <= set(config.scores)
    epochs = history(run_folder)
    assert [epoch["epoch"] for epoch in epochs] == [1, 2, 3]
    assert set(epochs[0]) == {"epoch", "train_loss", "validation_loss", "validation_rmse"}
    best = min(epochs, key=lambda epoch: epoch["validation_loss"])
    assert config.best_epoch == best["epoch"]


def test_no_file_of_a_run_is_a_pickle(run_folder: Path) -> None:
    for path in run_folder.rglob("*"):
        if path.is_file():
            assert not zipfile.is_zipfile(path), path
            with pytest.raises(ValueError, match=r"opcode|exhausted|not enough|expected|invalid"):
                list(pickletools.genops(path.read_bytes()))


def test_the_pickle_check_knows_a_pickle(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "checkpoint.ckpt")
    assert zipfile.is_zipfile(tmp_path / "checkpoint.ckpt")


@pytest.mark.parametrize("extra", [{}, {"num_layers": 2, "dropout": 0.5, "cell": "gru"}])
def test_a_resumed_run_is_the_run_without_the_stop(
    series_file: Path, tmp_path: Path, extra: dict[str, object]
) -> None:
    options = {**TINY, **extra, "patience": 2}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train("forecast", data=series_file, options=options, out=whole, max_epochs=4, seed=7, quiet=True)
    train("forecast", data=series_file, options=options, out=parts, max_epochs=2, seed=7, quiet=True)
    half = weights(parts, "last.safetensors")
    # A run folder may be moved in between.
    moved = Path(shutil.move(parts, tmp_path / "moved"))
    report = train("forecast", out=moved, max_epochs=4, resume=True, quiet=True)
    assert report.epochs == 4
    assert_same(weights(moved), weights(whole))
    assert_same(weights(moved, "last.safetensors"), weights(whole, "last.safetensors"))
    assert history(moved) == history(whole)
    a, b = RunConfig.read(moved), RunConfig.read(whole)
    assert (a.scores, a.best_epoch, a.seed) == (b.scores, b.best_epoch, b.seed)
    # The check above would not see a resume that trains nothing.
    last = weights(moved, "last.safetensors")
    assert not torch.equal(half["checkpoint.'state_dict'.'model.head.weight'"],
                           last["checkpoint.'state_dict'.'model.head.weight'"])  # fmt: skip


def test_a_run_that_was_killed_resumes(series_file: Path, tmp_path: Path) -> None:
    """The config of a run that did not end: no scores, no reason why it stopped."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train("forecast", data=series_file, options=TINY, out=whole, quiet=True)
    train("forecast", data=series_file, options=TINY, out=killed, max_epochs=1, quiet=True)
    config = json.loads((killed / "config.json").read_text())
    config |= {"epochs": 0, "best_epoch": 0, "stopped": "", "scores": {}}
    config["options"]["max_epochs"] = 3
    (killed / "config.json").write_text(json.dumps(config))
    train("forecast", out=killed, resume=True, quiet=True)
    assert_same(weights(killed), weights(whole))


def test_the_seed_decides_everything(series_file: Path, run_folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(99)
    train("forecast", data=series_file, options=TINY, out=tmp_path / "again", quiet=True)
    assert_same(weights(tmp_path / "again"), weights(run_folder))
    train("forecast", data=series_file, options=TINY, out=tmp_path / "other", seed=1, quiet=True)
    other = weights(tmp_path / "other")
    assert not torch.equal(other["head.weight"], weights(run_folder)["head.weight"])


def test_the_test_part_leaks_into_nothing(run_folder: Path, tmp_path: Path) -> None:
    values = seasonal_values()
    values[-24:] = 1000 * np.arange(24)
    spoilt = write_series(tmp_path / "spoilt.csv", values)
    train("forecast", data=spoilt, options=TINY, out=tmp_path / "spoilt", quiet=True)
    assert_same(weights(tmp_path / "spoilt"), weights(run_folder))
    assert history(tmp_path / "spoilt") == history(run_folder)


def test_the_validation_part_does_not_touch_the_normalisation(run_folder: Path, tmp_path: Path) -> None:
    values = seasonal_values()
    values[84:96] *= 5
    spoilt = write_series(tmp_path / "spoilt.csv", values)
    train("forecast", data=spoilt, options=TINY, out=tmp_path / "spoilt", quiet=True)
    for name in ("mean", "scale", "change"):
        assert torch.equal(weights(tmp_path / "spoilt")[name], weights(run_folder)[name])
    train_part = torch.tensor(seasonal_values()[:84])
    torch.testing.assert_close(weights(run_folder)["mean"].double(), train_part.mean()[None])


def test_patience_ends_training(series_file: Path, tmp_path: Path) -> None:
    options = {**TINY, "learning_rate": 1e-12, "max_epochs": 50, "patience": 2}
    report = train("forecast", data=series_file, options=options, out=tmp_path / "run", quiet=True)
    assert report.stopped == "patience"
    assert report.epochs < 50
    with pytest.raises(InputError, match=r"complete: .* by its patience of 2. Give a larger patience"):
        train("forecast", out=tmp_path / "run", resume=True, quiet=True)
    more = train("forecast", out=tmp_path / "run", resume=True, patience=4, quiet=True)
    assert more.epochs > report.epochs


def test_training_says_what_it_does_and_nothing_else(
    series_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    level = logging.getLogger("lightning.pytorch.utilities.rank_zero").level
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lines: list[str] = []
        options = {**TINY, "schedule": "one-cycle"}
        train(
            "forecast", data=series_file, options=options, out=tmp_path / "run", progress=False,
            say=lines.append, profile=True, gradient_flow=True,
        )  # fmt: skip
    assert [str(item.message) for item in caught] == []
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
    assert str(series_file) in lines[0]
    assert str(tmp_path / "run") in lines[1]
    assert lines[2].startswith("3 epochs in ")
    assert len(lines) == 3
    assert logging.getLogger("lightning.pytorch.utilities.rank_zero").level == level


def test_quiet_is_quiet(series_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    train("forecast", data=series_file, options=TINY, out=tmp_path / "run", quiet=True)
    assert capfd.readouterr() == ("", "")


def test_a_progress_bar_on_request(
    series_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    train("forecast", data=series_file, options=TINY, out=tmp_path / "run", progress=True)
    assert "Epoch" in capfd.readouterr().out


def test_the_report_is_json(series_file: Path, tmp_path: Path) -> None:
    report = train("forecast", data=series_file, options=TINY, out=tmp_path / "run", quiet=True)
    read = json.loads(report.to_json())
    assert read["scores"] == report.scores
    assert read["folder"] == str(tmp_path / "run")
    assert report.parameters == sum(p.numel() for p in load_run(tmp_path / "run").model.parameters())


def test_ctrl_c_leaves_a_run_that_can_be_resumed(
    series_file: Path, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = find_recipe("forecast")
    loss, calls = recipe.loss, iter(range(1000))

    def interrupted(*arguments: object) -> torch.Tensor:
        if next(calls) == 12:
            raise KeyboardInterrupt
        return loss(*arguments)

    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(recipe, "loss", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, data=series_file, options=TINY, out=tmp_path / "stopped", quiet=True)
    assert signal.getsignal(signal.SIGINT) is handler
    assert 0 < len(history(tmp_path / "stopped")) < 3
    train(recipe, out=tmp_path / "stopped", resume=True, quiet=True)
    assert_same(weights(tmp_path / "stopped"), weights(run_folder))


def test_training_that_diverges_is_an_error(series_file: Path, tmp_path: Path) -> None:
    options = {**TINY, "learning_rate": 1e30}
    with pytest.raises(InputError, match=r"diverged in epoch 1.*smaller learning_rate"):
        train("forecast", data=series_file, options=options, out=tmp_path / "run", quiet=True)


def test_threads_are_set_for_training_alone(series_file: Path, tmp_path: Path) -> None:
    recipe, seen = find_recipe("forecast"), set()
    before = torch.get_num_threads()
    loss = recipe.loss
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "loss", lambda *a: (seen.add(torch.get_num_threads()), loss(*a))[1])
        options = {**TINY, "threads": before + 1}
        train(recipe, data=series_file, options=options, out=tmp_path / "run", quiet=True)
    assert seen == {before + 1}
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"options": {"hiden_size": 3}}, "Did you mean 'hidden_size'"),
        ({"options": {"cell": "lstn"}}, "Did you mean 'lstm'"),
        ({"options": {"window": 500}}, "120 time steps.*it needs 501"),
        ({"seed": -1}, "seed: must be an integer from 0"),
        ({"device": "toaster"}, "device: cannot train on 'toaster'"),
        ({"data": "nowhere.csv"}, "data: nothing at 'nowhere.csv'"),
        ({"resume": True}, "resume: name the folder"),
    ],
)
def test_wrong_arguments_are_refused_by_name(
    series_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EDGERNN_DATA", raising=False)
    options = {**TINY, **arguments.pop("options", {})}
    with pytest.raises(InputError, match=said):
        train("forecast", **{"data": series_file, "options": options, "quiet": True, **arguments})
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_is_taken_is_refused(series_file: Path, run_folder: Path) -> None:
    with pytest.raises(InputError, match=r"is not empty.*resume"):
        train("forecast", data=series_file, options=TINY, out=run_folder, quiet=True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "complete: it ended after 3 epochs by its max_epochs of 3"),
        ({"max_epochs": 2}, "complete"),
        ({"max_epochs": 4, "options": {"hidden_size": 8}}, "option hidden_size is 4 .* cannot become 8"),
        ({"max_epochs": 4, "seed": 5}, "the run's seed is 0, found 5"),
    ],
)
def test_a_resume_that_would_be_another_run_is_refused(run_folder: Path, arguments: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        train("forecast", out=run_folder, resume=True, quiet=True, **arguments)


def test_a_resume_on_other_data_is_refused(run_folder: Path, tmp_path: Path) -> None:
    other = write_series(tmp_path / "other.csv", seasonal_values() + 1)
    with pytest.raises(InputError, match="data are not those of the run"):
        train("forecast", data=other, out=run_folder, resume=True, max_epochs=4, quiet=True)


def test_options_may_be_repeated_as_text_on_resume(run_folder: Path) -> None:
    options = {"hidden_size": "4", "column": "y", "max_epochs": "4"}
    assert train("forecast", out=run_folder, resume=True, options=options, quiet=True).epochs == 4
