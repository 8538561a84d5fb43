"""Scores of forecasts and intervals against values computed by hand."""

from __future__ import annotations

import pytest
import torch

from edgernn.errors import InputError
from edgernn.training.baselines import actual_values, persistence
from edgernn.training.metrics.forecast import forecast_scores, interval_scores, mase_scale


def test_scores_by_hand() -> None:
    past = torch.tensor([[0.0, 0.0], [2.0, 10.0], [0.0, 0.0]])
    scale = mase_scale(past, None)
    assert scale.tolist() == [2, 10]
    # Two origins of one step, columns side by side.
    forecast = torch.tensor([[1.0, 10.0], [3.0, 20.0]])
    actual = torch.tensor([[1.0, 15.0], [0.0, 20.0]])
    scores = forecast_scores(forecast, actual, scale)
    assert scores["mae"] == pytest.approx((0 + 5 + 3 + 0) / 4)
    assert scores["rmse"] == pytest.approx(((25 + 9) / 4) ** 0.5)
    assert scores["mase"] == pytest.approx((0 + 5 / 10 + 3 / 2 + 0) / 4)
    assert scores["smape"] == pytest.approx((0 + 200 * 5 / 25 + 200 + 0) / 4)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_mase_and_smape_are_the_same_in_any_unit(unit: float) -> None:
    forecast, actual = torch.tensor([[1.0], [3.0]]), torch.tensor([[2.0], [0.0]])
    scores = forecast_scores(forecast * unit, actual * unit, torch.tensor([4.0]) * unit)
    assert scores["mase"] == pytest.approx((1 / 4 + 3 / 4) / 2)
    assert scores["smape"] == pytest.approx((200 / 3 + 200) / 2)


def test_where_all_is_zero_nothing_is_wrong() -> None:
    zeros = torch.zeros(3, 1)
    scores = forecast_scores(zeros, zeros, mase_scale(torch.zeros(5, 1), None))
    assert set(scores.values()) == {0.0}


def test_mase_of_the_naive_forecast_within_the_training_part_is_one() -> None:
    torch.manual_seed(0)
    values = torch.randn(50, 1)
    origins = range(0, 49)
    forecast, actual = persistence(values, origins, 1), actual_values(values, origins, 1)
    assert forecast_scores(forecast, actual, mase_scale(values, None))["mase"] == pytest.approx(1)


def test_intervals_by_hand() -> None:
    lower, upper = torch.tensor([0.0, 0.0, 0.0, 5.0]), torch.tensor([2.0, 2.0, 2.0, 4.0])
    # Within, on the end, above by 1; and ends in the wrong order, which hold nothing.
    actual = torch.tensor([1.0, 2.0, 3.0, 4.5])
    scores = interval_scores(lower, upper, actual, 0.8)
    assert scores["coverage"] == pytest.approx(2 / 4)
    assert scores["width"] == pytest.approx((2 + 2 + 2 - 1) / 4)
    assert scores["interval_score"] == pytest.approx((2 + 2 + (2 + 10 * 1) + (-1 + 10 * 1)) / 4)


def test_the_interval_that_is_right_has_its_coverage_and_the_best_score() -> None:
    torch.manual_seed(0)
    values = torch.randn(20000)
    by_width = {
        width: interval_scores(-width * torch.ones(20000), width * torch.ones(20000), values, 0.8)
        for width in (0.6, 1.2816, 2.4)
    }
    assert by_width[1.2816]["coverage"] == pytest.approx(0.8, abs=0.01)
    assert min(by_width, key=lambda width: by_width[width]["interval_score"]) == 1.2816


def test_what_does_not_fit_is_refused() -> None:
    one, two = torch.zeros(1), torch.zeros(2)
    with pytest.raises(InputError, match="forecast: must have the shape"):
        forecast_scores(one, two, torch.ones(1))
    with pytest.raises(InputError, match="at least one value"):
        forecast_scores(torch.zeros(0), torch.zeros(0), torch.ones(1))
    with pytest.raises(InputError, match="upper: must have the shape"):
        interval_scores(two, one, two, 0.8)
    with pytest.raises(InputError, match="level: must be above 0 and below 1"):
        interval_scores(two, two, two, 80)
    with pytest.raises(InputError, match="less than the 30 time steps of the training part"):
        mase_scale(torch.zeros(30, 1), 30)
