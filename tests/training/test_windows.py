from __future__ import annotations

import pytest
import torch

from edgernn.errors import InputError
from edgernn.training.baselines import actual_values, persistence, seasonal_naive
from edgernn.training.windows import Split, Windows, split_in_time


def series(steps: int = 30) -> torch.Tensor:
    """Two columns: the time step, and 100 more."""
    return torch.stack([torch.arange(steps), torch.arange(steps) + 100], dim=1).float()


def test_a_sample_is_a_window_and_what_came_after_each_of_its_last_steps() -> None:
    windows = Windows(series(), range(9, 20), window=4, horizon=2, targets=1, scored_steps=3)
    inputs, targets = windows[0]
    assert inputs.tolist() == [[6, 106], [7, 107], [8, 108], [9, 109]]
    assert targets.tolist() == [[8, 9], [9, 10], [10, 11]]
    assert len(windows) == 11


def test_targets_are_laid_out_step_by_step() -> None:
    _, targets = Windows(series(), range(3, 5), window=4, horizon=2)[1]
    assert targets.tolist() == [[5, 105, 6, 106]]


def test_a_list_of_numbers_gives_a_batch() -> None:
    windows = Windows(series(), range(5, 20), window=4, horizon=2)
    inputs, targets = windows[[3, 0]]
    for row, number in enumerate([3, 0]):
        assert torch.equal(inputs[row], windows[number][0])
        assert torch.equal(targets[row], windows[number][1])


def test_parts_meet_without_sharing_a_target() -> None:
    window, horizon = 5, 3
    split = split_in_time(60, validation_size=0.2, test_size=15, window=window, horizon=horizon)
    assert split == Split(33, 45, 60)
    parts = {
        "train": Windows(
            series(60), split.train_origins(window, horizon), window, horizon, 1, scored_steps=window
        ),
        "validation": Windows(series(60), split.validation_origins(horizon), window, horizon, 1),
        "test": Windows(series(60), split.test_origins(horizon), window, horizon, 1),
    }
    steps = {
        name: set(part[list(range(len(part)))][1].flatten().int().tolist()) for name, part in parts.items()
    }
    assert steps["train"] == set(range(1, 33))
    assert steps["validation"] == set(range(33, 45))
    assert steps["test"] == set(range(45, 60))
    # Training sees nothing of the later parts as input either.
    assert int(parts["train"][list(range(len(parts["train"])))][0][..., 0].max()) < 33


@pytest.mark.parametrize(
    ("steps", "sizes", "said"),
    [
        (10, (0.1, 0.2), "leaves 7 for the training part; with window=8 and horizon=2 it needs 10"),
        (30, (1, 5), "leaves 1 for the validation part"),
        (30, (5, 1), "leaves 1 for the test part"),
        (10, (8, 8), "leaves 0 for the training part"),
    ],
)
def test_a_series_that_is_too_short_is_refused(steps: int, sizes: tuple[float, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        split_in_time(steps, validation_size=sizes[0], test_size=sizes[1], window=8, horizon=2)


@pytest.mark.parametrize("origins", [range(2, 10), range(5, 29), range(5, 5)])
def test_origins_outside_the_series_are_refused(origins: range) -> None:
    with pytest.raises(InputError, match="do not fit a series of 30"):
        Windows(series(), origins, window=4, horizon=2)


def test_baselines_by_hand() -> None:
    values = series()[:, :1]
    origins = range(10, 12)
    assert actual_values(values, origins, 3).tolist() == [[11, 12, 13], [12, 13, 14]]
    assert persistence(values, origins, 3).tolist() == [[10, 10, 10], [11, 11, 11]]
    # A season of two: the third step ahead takes the phase of the first one, two seasons back.
    assert seasonal_naive(values, origins, 3, 2).tolist() == [[9, 10, 9], [10, 11, 10]]


def test_the_seasonal_forecast_of_a_seasonal_series_is_exact() -> None:
    values = (torch.arange(60) % 7).float()[:, None]
    origins = range(20, 50)
    assert torch.equal(seasonal_naive(values, origins, 9, 7), actual_values(values, origins, 9))
    assert not torch.equal(seasonal_naive(values, origins, 9, 6), actual_values(values, origins, 9))


def test_baselines_keep_the_layout_of_several_columns() -> None:
    assert actual_values(series(), range(3, 4), 2).tolist() == [[4, 104, 5, 105]]
    assert persistence(series(), range(3, 4), 2).tolist() == [[3, 103, 3, 103]]


def test_a_season_longer_than_the_past_is_refused() -> None:
    with pytest.raises(InputError, match="season: must be from 1 to the 4"):
        seasonal_naive(series(), range(3, 5), 1, 5)
