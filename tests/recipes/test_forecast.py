from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edgernn.errors import InputError
from edgernn.training import find_recipe
from edgernn.training.options import read_options


def test_without_a_file_it_takes_el_nino_and_says_so() -> None:
    recipe = find_recipe("forecast")
    prepared = recipe.prepare(read_options(recipe.options_type, {}), None)
    assert "El Niño" in prepared.source
    assert prepared.metadata.input_unit == prepared.metadata.output_unit == "°C"
    # The last 146 of 732 months are held out; the 73 before them choose the epoch.
    assert [len(part) for part in (prepared.train, prepared.validation, prepared.test)] == [477, 73, 146]


def test_the_persistence_score_is_the_rmse_of_the_monthly_change() -> None:
    recipe = find_recipe("forecast")
    prepared = recipe.prepare(read_options(recipe.options_type, {}), None)
    model = recipe.build({**prepared.arguments})
    recipe.initialise(model, prepared)
    torch.nn.init.zeros_(model.head.weight)
    torch.nn.init.zeros_(model.head.bias)
    scores = recipe.score(model, prepared)
    changes = prepared.values[1:, 0] - prepared.values[:-1, 0]
    assert scores["rmse/persistence"] == pytest.approx(float(changes[-146:].square().mean().sqrt()))
    # A head of zeros forecasts no change.
    assert scores["rmse"] == pytest.approx(scores["rmse/persistence"])


@pytest.mark.parametrize(
    "name",
    ["column", "inputs", "future", "calendar", "returns", "time_column", "rows", "season", "unit", "missing"],
)
def test_options_of_a_file_need_a_file(name: str) -> None:
    recipe = find_recipe("forecast")
    value = {
        "rows": 5, "season": 4, "missing": "interpolate", "calendar": "hour", "returns": True,
    }.get(name, "y")  # fmt: skip
    values = {name: value, **({"column": "x"} if name in ("inputs", "future") else {})}
    with pytest.raises(InputError, match=r"is for a CSV file; name the file as the data \(--data\)"):
        recipe.prepare(read_options(recipe.options_type, values), None)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"inputs": "z"}, "name the columns to forecast as well"),
        ({"future": "z"}, "option future: name the columns to forecast as well"),
        ({"column": "y", "future": "z,z"}, "each column once"),
        ({"calendar": "hours"}, "'hours' is none of hour"),
        ({"quantiles": "0.1,0.9"}, "symmetric around 0.5"),
        ({"quantiles": "low"}, "expected float"),
        ({"column": "y,y"}, "each column once, found y, y"),
        ({"column": "y", "inputs": "z,y"}, "each column once"),
    ],
)
def test_columns_are_named_once_each(values: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_options(find_recipe("forecast").options_type, values)


def test_a_season_that_the_series_is_too_short_for_is_refused(tmp_path: Path) -> None:
    from edgernn.training import train

    (tmp_path / "s.csv").write_text("y\n" + "\n".join(str(n % 5) for n in range(60)))
    options = {"season": 50, "window": 6, "hidden_size": 2, "max_epochs": 1}
    with pytest.raises(InputError, match="season: must be"):
        train("forecast", data=tmp_path / "s.csv", options=options, out=tmp_path / "run", quiet=True)


def hourly_file(folder: Path, steps: int = 400) -> Path:
    """Two series of a day's rhythm; `open` says of each hour whether the second one moves."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(0)
    times = pd.date_range("2024-01-01", periods=steps, freq="h")
    is_open = (random.random(steps) < 0.5).astype(float)
    first = 20 + 5 * np.sin(2 * np.pi * times.hour / 24) + 0.2 * random.normal(size=steps)
    second = 100 + 10 * is_open + 0.2 * random.normal(size=steps)
    table = pd.DataFrame({"t": times, "heat": first, "visits": second, "open": is_open.astype(int)})
    table.to_csv(folder / "hours.csv", index=False)
    return folder / "hours.csv"


def test_columns_that_are_known_ahead_come_early_under_their_own_names(tmp_path: Path) -> None:
    recipe = find_recipe("forecast")
    values = {
        "column": "heat,visits", "future": "open", "calendar": "hour", "time_column": "t", "horizon": 3,
        "quantiles": "0.1,0.5,0.9",
    }  # fmt: skip
    prepared = recipe.prepare(read_options(recipe.options_type, values), hourly_file(tmp_path))
    assert prepared.metadata.features == ("heat", "visits", "open +3", "hour +3")
    assert prepared.metadata.outputs[:4] == ("heat +1 q0.1", "heat +1 q0.5", "heat +1 q0.9", "visits +1 q0.1")
    assert len(prepared.metadata.outputs) == 3 * 2 * 3
    # Row 0 is midnight, so that three hours later it is three o'clock.
    assert prepared.values[:3, 3].tolist() == [3, 4, 5]
    assert recipe.build(prepared.arguments)(prepared.example[0]).shape[-1] == 18


def test_what_is_known_ahead_is_learned_and_intervals_hold_what_they_are_to_hold(tmp_path: Path) -> None:
    from edgernn.training import train

    options = {
        "column": "visits", "future": "open", "horizon": 3, "quantiles": "0.1,0.5,0.9", "window": 12,
        "hidden_size": 8, "max_epochs": 15, "learning_rate": 0.02, "every": 4, "cell": "gru",
    }  # fmt: skip
    found = {}
    for future in ("open", ""):
        out = tmp_path / f"run{future}"
        report = train(
            "forecast", data=hourly_file(tmp_path), options={**options, "future": future}, out=out, quiet=True
        )
        found[future] = report.scores
    # Half of all changes are of 10; without the column they cannot be foreseen.
    assert found["open"]["rmse"] < 0.3 * found[""]["rmse"]
    assert found["open"]["pinball"] < 0.3 * found[""]["pinball"]
    assert 0.5 < found["open"]["coverage_80"] <= 1


def test_returns_are_compared_with_no_change(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("y\n" + "\n".join(str(100 + n % 5) for n in range(80)))
    recipe = find_recipe("forecast")
    options = read_options(recipe.options_type, {"returns": "true", "window": 6})
    prepared = recipe.prepare(options, tmp_path / "s.csv")
    assert prepared.arguments["start"] == "mean"
    assert prepared.values[0, 0] == pytest.approx(0.01)
    model = recipe.build(prepared.arguments)
    recipe.initialise(model, prepared)
    scores = recipe.score(model.eval(), prepared)
    actual = prepared.values[-len(prepared.test) :, 0]
    assert scores["rmse/zero"] == pytest.approx(float(actual.square().mean().sqrt()))


def test_returns_from_zero_are_refused(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("y\n" + "\n".join(str(n % 5) for n in range(80)))
    recipe = find_recipe("forecast")
    with pytest.raises(InputError, match="column 'y' is 0 at time step 0"):
        recipe.prepare(read_options(recipe.options_type, {"returns": "true"}), tmp_path / "s.csv")


def test_a_start_at_the_season_needs_a_season(tmp_path: Path) -> None:
    recipe = find_recipe("forecast")
    with pytest.raises(InputError, match="option start: 'season' needs to know how long a season is"):
        recipe.prepare(
            read_options(recipe.options_type, {"column": "heat", "start": "season"}), hourly_file(tmp_path)
        )
