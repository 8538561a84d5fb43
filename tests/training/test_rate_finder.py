from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from edgernn.errors import InputError
from edgernn.training import find_learning_rate
from edgernn.training.rate_finder import smoothed, steepest

from .conftest import TINY


def test_it_finds_the_steepest_fall() -> None:
    rates = [10 ** (-6 + step / 10) for step in range(60)]
    # A logistic fall around 1e-3, and a blow-up at the end.
    losses = [1 / (1 + math.exp((math.log10(rate) + 3) * 4)) + 0.1 for rate in rates]
    assert steepest(rates, losses) == pytest.approx(1e-3, rel=0.05)
    assert steepest(rates, losses[::-1]) is None
    assert steepest(rates, [1.0] * 60) is None


def test_what_diverges_ends_the_curve() -> None:
    falling = [1 / (step + 1) for step in range(30)]
    found, diverged = smoothed(falling)
    assert (len(found), diverged) == (30, False)
    assert found == sorted(found, reverse=True)
    assert found[0] == pytest.approx(1.0)
    found, diverged = smoothed([*falling, 100.0, 1.0, 1.0])
    assert (len(found), diverged) == (31, True)
    found, diverged = smoothed([*falling, math.nan])
    assert (len(found), diverged) == (30, True)


def test_the_report_and_its_files(series_file: Path, tmp_path: Path) -> None:
    def look(name: str):
        return find_learning_rate("forecast", data=series_file, options=TINY, out=tmp_path / name, steps=40)

    report, again = look("a"), look("b")
    assert (report.rates, report.losses, report.suggestion) == (again.rates, again.losses, again.suggestion)
    assert report.suggestion in report.rates
    assert report.rates[0] == pytest.approx(1e-6)
    assert report.current == 0.003
    folder = tmp_path / "a"
    assert {path.name for path in folder.iterdir()} == {
        "learning_rate.json", "learning_rate.csv", "learning_rate.png",
    }  # fmt: skip
    assert json.loads((folder / "learning_rate.json").read_text())["losses"] == list(report.losses)
    with (folder / "learning_rate.csv").open() as file:
        assert [float(row["learning_rate"]) for row in csv.DictReader(file)] == list(report.rates)


def test_a_network_that_learns_gets_a_lower_loss_than_at_the_first_rate(
    series_file: Path, tmp_path: Path
) -> None:
    report = find_learning_rate("forecast", data=series_file, options=TINY, out=tmp_path / "a", largest=0.1)
    assert min(report.losses) < 0.8 * report.losses[0]
    frozen = find_learning_rate(
        "forecast", data=series_file, options=TINY, out=tmp_path / "b", largest=1e-9, smallest=1e-12
    )
    # Nothing is learned there: only batches differ.
    assert min(frozen.losses) > 0.8 * frozen.losses[0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"smallest": 1.0, "largest": 0.1}, "must be 0 < smallest < largest"),
        ({"steps": 5}, "steps: must be 22 or more, found 5"),
        ({"options": {"hiden_size": 3}}, "Did you mean 'hidden_size'"),
        ({"device": "abacus"}, "cannot train on 'abacus'"),
    ],
)
def test_wrong_use_is_refused(series_file: Path, tmp_path: Path, wrong: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        find_learning_rate("forecast", **{"data": series_file, "out": tmp_path / "out", **wrong})
    assert not (tmp_path / "out").exists()
