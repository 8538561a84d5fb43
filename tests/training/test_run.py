from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from edgernn.errors import InputError, ModelError
from edgernn.models import Forecaster
from edgernn.training import evaluate, load_run, train
from edgernn.training.config import RunConfig

from .conftest import TINY, seasonal_values, write_series


def change_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def test_a_run_is_the_network_that_was_scored(run_folder: Path) -> None:
    run = load_run(run_folder)
    assert isinstance(run.model, Forecaster)
    assert not run.model.training
    assert evaluate(run_folder).scores == run.config.scores
    assert run.config.metadata.task == "forecast"
    assert run.config.metadata.outputs == ("y +1",)


def test_example_inputs_are_real_and_run(run_folder: Path) -> None:
    run = load_run(run_folder)
    (inputs,) = run.example_inputs()
    assert inputs.shape == (2, 12, 1)
    values = torch.tensor(seasonal_values(), dtype=torch.float32)
    torch.testing.assert_close(inputs[0, :, 0], values[96 - 12 : 96], atol=1e-5, rtol=0)
    assert torch.isfinite(run.model(inputs)).all()


def test_streaming_the_whole_series_gives_the_forecasts_of_the_windows(run_folder: Path) -> None:
    """Not exactly, as the state reaches further back; but nearly, so the scores hold for a stream too."""
    run = load_run(run_folder)
    values = torch.tensor(seasonal_values(), dtype=torch.float32)
    with torch.no_grad():
        forecast = run.model(values[None, :-1, None])[0, 95:, 0]
    rmse = float((forecast - values[96:]).square().mean().sqrt())
    assert rmse == pytest.approx(run.config.scores["rmse"], rel=0.05)


def test_other_data_are_scored_on_their_own_end(run_folder: Path, tmp_path: Path) -> None:
    other = write_series(tmp_path / "other.csv", seasonal_values(240))
    report = evaluate(run_folder, other)
    assert str(other) in report.source
    assert report.scores["rmse"] != load_run(run_folder).config.scores["rmse"]
    assert json.loads(report.to_json())["recipe"] == "forecast"


def test_data_of_another_form_are_refused(run_folder: Path, tmp_path: Path) -> None:
    values = seasonal_values()
    file = tmp_path / "two.csv"
    file.write_text("y,z\n" + "\n".join(f"{a},{a}" for a in values))
    with pytest.raises(InputError, match=r"another network than the run's: features"):
        evaluate(run_folder, file, options={"inputs": "z"})


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder at"):
        load_run(tmp_path / "none")
    with pytest.raises(InputError, match=r"not the folder of a training run: it holds no config.json"):
        load_run(tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"more": 1}, "unknown key 'more'"),
        ({"seed": "0"}, r"config.json.seed: expected int"),
        ({"format_version": 2}, "has format version 2, this edgernn reads 1"),
        ({"recipe": "forecasts"}, "Did you mean 'forecast'"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(run_folder: Path, changes: dict, said: str) -> None:
    change_config(run_folder, **changes)
    with pytest.raises(InputError, match=said):
        load_run(run_folder)


def test_a_config_that_is_not_json_is_refused(run_folder: Path) -> None:
    (run_folder / "config.json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        load_run(run_folder)


def test_arguments_that_the_recipe_does_not_take_are_refused(run_folder: Path) -> None:
    change_config(run_folder, arguments={"features": 1, "wings": 2})
    with pytest.raises(ModelError, match=r"does not build the network.*wings"):
        load_run(run_folder)


def test_weights_that_are_missing_or_damaged_are_refused(run_folder: Path) -> None:
    file = run_folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(ModelError, match="is damaged"):
        load_run(run_folder)
    file.unlink()
    with pytest.raises(ModelError, match="is missing"):
        load_run(run_folder)


def test_weights_of_another_network_are_refused_by_name(run_folder: Path) -> None:
    file = run_folder / "model.safetensors"
    tensors = load_file(file)
    save_file({**tensors, "head.weight": torch.zeros(1, 5)}, file)
    with pytest.raises(ModelError, match=r"head.weight is \(1, 5\), the network has \(1, 4\)"):
        load_run(run_folder)
    del tensors["mean"]
    save_file({**tensors, "tail": torch.zeros(1)}, file)
    with pytest.raises(ModelError, match="mean is missing; tail is not in the network"):
        load_run(run_folder)


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_several_columns_and_steps_go_all_the_way(tmp_path: Path, cell: str) -> None:
    values = seasonal_values()
    file = tmp_path / "three.csv"
    rows = (f"2024-01-{1 + n // 24:02d} {n % 24:02d}:00,{a},{2 * a},{n}" for n, a in enumerate(values))
    file.write_text("t,y,z,n\n" + "\n".join(rows))
    options = {
        **TINY, "column": "z,y", "inputs": "n", "time_column": "t", "horizon": 3, "cell": cell, "unit": "kW",
    }  # fmt: skip
    report = train("forecast", data=file, options=options, out=tmp_path / "run", quiet=True)
    run = load_run(tmp_path / "run")
    metadata = run.config.metadata
    assert metadata.features == ("z", "y", "n")
    assert metadata.outputs == ("z +1", "y +1", "z +2", "y +2", "z +3", "y +3")
    assert (metadata.input_unit, metadata.sample_rate) == ("kW", 1 / 3600)
    assert run.model(run.example_inputs()[0]).shape == (2, 12, 6)
    assert evaluate(tmp_path / "run").scores == report.scores


def test_a_run_needs_the_trust_of_a_recipe_that_does_not_ship(series_file: Path, tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "recipes/forecast/recipe.py"
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "recipe.py").write_text(shipped.read_text())
    train(mine, data=series_file, options=TINY, out=tmp_path / "run", quiet=True)
    assert RunConfig.read(tmp_path / "run").recipe == "mine"
    with pytest.raises(InputError, match=r"which does not ship with edgernn.*if you trust it"):
        load_run(tmp_path / "run")
    assert load_run(tmp_path / "run", recipe=mine).recipe.name == "mine"
    train(mine, out=tmp_path / "run", resume=True, max_epochs=4, quiet=True)
    with pytest.raises(InputError, match="is of recipe 'mine', not 'forecast'"):
        train("forecast", out=tmp_path / "run", resume=True, max_epochs=5, quiet=True)
