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


@pytest.mark.parametrize("name", ["column", "inputs", "time_column", "rows", "season", "unit", "missing"])
def test_options_of_a_file_need_a_file(name: str) -> None:
    recipe = find_recipe("forecast")
    value = {"rows": 5, "season": 4, "missing": "interpolate"}.get(name, "y")
    values = {name: value, **({"column": "x"} if name == "inputs" else {})}
    with pytest.raises(InputError, match=r"is for a CSV file; name the file as the data \(--data\)"):
        recipe.prepare(read_options(recipe.options_type, values), None)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"inputs": "z"}, "name the columns to forecast as well"),
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
