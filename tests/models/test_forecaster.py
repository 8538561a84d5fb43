from __future__ import annotations

import pytest
import torch

from edgernn.errors import InputError
from edgernn.models import Forecaster


def test_the_default_is_a_plain_lstm_of_50_with_a_linear_head() -> None:
    forecaster = Forecaster()
    lstm = torch.nn.LSTM(1, 50)
    parameters = sum(p.numel() for p in lstm.parameters()) + 51
    assert sum(p.numel() for p in forecaster.parameters()) == parameters


@pytest.mark.parametrize("cell", ["lstm", "GRU", "Rnn"])
@pytest.mark.parametrize(("features", "targets", "horizon"), [(1, 1, 1), (1, 1, 4), (3, 3, 1), (3, 2, 4)])
def test_forward_is_the_documented_equation(cell: str, features: int, targets: int, horizon: int) -> None:
    torch.manual_seed(0)
    forecaster = Forecaster(features, targets, hidden_size=7, cell=cell, horizon=horizon)
    series = torch.randn(60, features).cumsum(0) * 5 + 100
    forecaster.fit_normalization(series)
    x = series[:20].repeat(2, 1, 1)
    hidden, _ = forecaster.recurrent((x - series.mean(0)) / series.std(0, correction=0))
    head = hidden @ forecaster.head.weight.T + forecaster.head.bias
    y = forecaster(x)
    assert y.shape == (2, 20, horizon * targets)
    for step in range(horizon):
        moves = (series[step + 1 :] - series[: -step - 1])[:, :targets]
        part = slice(step * targets, (step + 1) * targets)
        expected = x[..., :targets] + moves.square().mean(0).sqrt() * head[..., part]
        torch.testing.assert_close(y[..., part], expected, rtol=1e-4, atol=1e-3)


def test_a_head_of_zeros_is_persistence() -> None:
    forecaster = Forecaster(2, horizon=2)
    torch.nn.init.zeros_(forecaster.head.weight)
    torch.nn.init.zeros_(forecaster.head.bias)
    x = torch.randn(1, 5, 2)
    assert torch.equal(forecaster(x), torch.cat([x, x], dim=-1))


def test_the_forecast_does_not_depend_on_the_future() -> None:
    forecaster = Forecaster(hidden_size=5)
    x = torch.randn(1, 10, 1)
    changed = x.clone()
    changed[:, 6:] += 1
    assert torch.equal(forecaster(x)[:, :6], forecaster(changed)[:, :6])
    assert not torch.allclose(forecaster(x)[:, 6:], forecaster(changed)[:, 6:])


def test_the_network_does_not_depend_on_the_unit() -> None:
    """Degrees Celsius or Fahrenheit: the same forecast in each one's unit."""
    torch.manual_seed(0)
    celsius = Forecaster(hidden_size=5, horizon=2)
    fahrenheit = Forecaster(hidden_size=5, horizon=2)
    fahrenheit.load_state_dict(celsius.state_dict())
    series = torch.randn(50, 1) * 3 + 20
    celsius.fit_normalization(series)
    fahrenheit.fit_normalization(series * 1.8 + 32)
    torch.testing.assert_close(
        fahrenheit((series * 1.8 + 32)[None]), celsius(series[None]) * 1.8 + 32, rtol=1e-5, atol=1e-4
    )


def test_normalisation_travels_with_the_weights() -> None:
    trained = Forecaster(2, 1, hidden_size=5, horizon=3)
    trained.fit_normalization(torch.randn(30, 2) * 4 + 7)
    loaded = Forecaster(2, 1, hidden_size=5, horizon=3)
    loaded.load_state_dict(trained.state_dict(), strict=True)
    x = torch.randn(2, 6, 2)
    assert torch.equal(loaded(x), trained(x))


def test_a_constant_feature_is_only_centred() -> None:
    forecaster = Forecaster(hidden_size=5)
    forecaster.fit_normalization(torch.full((10, 1), 3.0))
    assert torch.isfinite(forecaster(torch.full((1, 4, 1), 3.0))).all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"features": 0}, "features must be an integer ≥ 1, found 0"),
        ({"features": 2, "targets": 3}, r"targets must be at most features \(2\)"),
        ({"horizon": True}, "horizon must be an integer"),
        ({"cell": "lstn"}, "Did you mean 'lstm'.*gru"),
        ({"hidden_size": -1}, "hidden_size must be an integer ≥ 1"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Forecaster(**arguments)


@pytest.mark.parametrize(
    ("series", "said"),
    [
        (torch.zeros(5, 2), r"must be \(time, 1\)"),
        (torch.zeros(1, 1), "more than 1 time steps"),
        (torch.tensor([[0.0], [float("nan")], [1.0]]), "NaN"),
    ],
)
def test_a_series_that_cannot_normalise_is_refused(series: torch.Tensor, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Forecaster().fit_normalization(series)
