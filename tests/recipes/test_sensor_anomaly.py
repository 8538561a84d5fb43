"""sensor-anomaly: labelled and injected faults, the rate of false alarms, and the stream's alarms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import edgernn
from edgernn.errors import InputError
from edgernn.training import find_recipe, load_run, read_contract, shipped_recipes, train
from edgernn.training.options import read_options

SMALL = {"hidden_size": 6, "max_epochs": 3, "window": 24, "lags": 6, "horizon": 3, "span": 4}


def sensor_file(folder: Path, *, labels: bool = False, steps: int = 1200) -> Path:
    """Two channels of a rhythm; with labels, some rows are broken and say so."""
    random = np.random.default_rng(0)
    phase = np.arange(steps) * 2 * np.pi / 24
    values = np.stack([20 + np.sin(phase), 5 + 0.3 * np.cos(phase)], 1) + 0.05 * random.normal(
        size=(steps, 2)
    )
    kinds = [""] * steps
    if labels:
        for start in (200, 700, 1000, 1100):
            values[start : start + 6] += 4
            kinds[start : start + 6] = ["hit"] * 6
    header = "a,b" + (",fault" if labels else "")
    lines = [
        f"{first:.4f},{second:.4f}" + (f",{kind}" if labels else "")
        for (first, second), kind in zip(values, kinds, strict=True)
    ]
    (folder / "s.csv").write_text("\n".join([header, *lines]) + "\n")
    return folder / "s.csv"


def test_the_alarms_of_the_stream_are_those_of_the_whole_series(tmp_path: Path) -> None:
    folder = shipped_recipes()["sensor-anomaly"]
    tiny = read_contract(folder).tiny
    train("sensor-anomaly", options=tiny.options, out=tmp_path / "run", quiet=True)
    run = load_run(tmp_path / "run")
    prepared = run.recipe.prepare(read_options(run.recipe.options_type, run.config.options), None)
    faulty = prepared.faulty[prepared.split.validation_end :]
    edgernn.export(run.model, tmp_path / "s.onnx", run.example_inputs(), streaming=True)
    stream = edgernn.load(tmp_path / "s.onnx").stream()
    streamed = np.concatenate([stream.push(sample[None, None].numpy())[0] for sample in faulty])
    offline = run.model(faulty[None])[0].detach().numpy()
    np.testing.assert_allclose(streamed, offline, rtol=1e-3, atol=1e-3)
    assert ((streamed[:, 1] > 0) == (offline[:, 1] > 0)).all()
    # There is something to compare: alarms, and steps without one.
    assert 5 < (offline[:, 1] > 0).sum() < len(offline) - 5


def test_faults_are_put_into_the_test_part_alone_and_it_says_so(tmp_path: Path) -> None:
    recipe = find_recipe("sensor-anomaly")
    prepared = recipe.prepare(read_options(recipe.options_type, SMALL), sensor_file(tmp_path))
    differ = (prepared.faulty != prepared.values).any(1)
    assert not differ[: prepared.test_start].any()
    assert differ[prepared.test_start :].any()
    assert "10 faults put into its test part (spike, drift, stuck, dropout, noise; seed 0)" in prepared.source
    assert prepared.metadata.features == ("a", "b")


def test_labelled_faults_are_scored_and_not_learned_from(tmp_path: Path) -> None:
    options = {**SMALL, "label_column": "fault", "false_alarm_rate": 0.02}
    report = train(
        "sensor-anomaly", data=sensor_file(tmp_path, labels=True), options=options, out=tmp_path / "run",
        quiet=True,
    )  # fmt: skip
    assert report.scores["auc"] > 0.9
    assert report.scores["found"] == 1
    assert report.scores["auc"] > report.scores["auc/change"]
    assert 0 <= report.scores["false_alarm_rate"] < 0.1
    recipe = find_recipe("sensor-anomaly")
    prepared = recipe.prepare(read_options(recipe.options_type, options), tmp_path / "s.csv")
    assert torch.equal(prepared.values, prepared.faulty)
    assert "4 faults by its column fault" in prepared.source
    # No window that is learned from holds a row between 200 and 206.
    seen = torch.cat(
        [inputs.flatten() for inputs, _ in (prepared.train[n] for n in range(len(prepared.train)))]
    )
    assert float(seen.max()) < 23
    lines = (tmp_path / "run" / "faults.csv").read_text().splitlines()
    assert lines[1].startswith("hit,2,2,")


def test_alarms_a_day_are_counted_and_held(tmp_path: Path) -> None:
    import pandas as pd

    table = pd.read_csv(sensor_file(tmp_path))
    table.insert(0, "t", pd.date_range("2024-01-01", periods=len(table), freq="h"))
    table.to_csv(tmp_path / "t.csv", index=False)
    options = {**SMALL, "time_column": "t", "alarms_per_day": 0.5}
    report = train(
        "sensor-anomaly", data=tmp_path / "t.csv", options=options, out=tmp_path / "run", quiet=True
    )
    assert report.scores["asked_per_day"] == 0.5
    # 15 days of the test part are of the same kind as the calibration part.
    assert report.scores["alarms_per_day"] <= 1.5


@pytest.mark.parametrize(
    ("options", "labels", "said"),
    [
        ({"fault_kinds": "spike,melt"}, False, "'melt' is none of spike"),
        ({"fault_count": 50}, False, "hold no 250 faults"),
        ({"label_column": "faults"}, True, "no column 'faults'. Did you mean 'fault'"),
        ({"label_column": "fault", "test_size": 60}, True, "tells of no fault in the test part"),
        ({"false_alarm_rate": 0.0001}, False, "cannot tell a false-alarm rate"),
        ({"alarms_per_day": 1.0}, False, "the series has no times; name its time_column"),
        ({"column": "a,c"}, False, "no column 'c'"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, options: dict[str, object], labels: bool, said: str
) -> None:
    data = sensor_file(tmp_path, labels=labels)
    with pytest.raises(InputError, match=said):
        train(
            "sensor-anomaly", data=data, options={**SMALL, "max_epochs": 1, **options}, out=tmp_path / "run",
            quiet=True,
        )  # fmt: skip


def test_options_of_a_file_need_a_file() -> None:
    recipe = find_recipe("sensor-anomaly")
    with pytest.raises(InputError, match="option label_column: is for a CSV file"):
        recipe.prepare(read_options(recipe.options_type, {"label_column": "x"}), None)


def test_a_broken_file_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("a,b\n1,2\n3\n")
    recipe = find_recipe("sensor-anomaly")
    with pytest.raises(InputError, match=r"b\.csv', line 3: 1 cells, the header has 2"):
        recipe.prepare(read_options(recipe.options_type, {}), tmp_path / "b.csv")
