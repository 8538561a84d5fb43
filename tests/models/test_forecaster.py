from __future__ import annotations

from pathlib import Path

import pytest
import torch

import edgernn
from edgernn.errors import InputError
from edgernn.models import Forecaster
from edgernn.models.quantiles import pinball_loss
from edgernn.training.baselines import seasonal_naive


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


def silent(**arguments: object) -> Forecaster:
    """A network that has learned nothing: its head says zero, whatever came."""
    torch.manual_seed(0)
    forecaster = Forecaster(**{"hidden_size": 5, **arguments})
    torch.nn.init.zeros_(forecaster.head.weight)
    torch.nn.init.zeros_(forecaster.head.bias)
    return forecaster


@pytest.mark.parametrize(("season", "horizon"), [(4, 3), (4, 4), (3, 7)])
@pytest.mark.parametrize("lags", [0, 2, 9])
def test_it_starts_from_the_latest_season(season: int, horizon: int, lags: int) -> None:
    forecaster = silent(features=2, horizon=horizon, start="season", season=season, lags=lags)
    series = torch.randn(40, 2) * torch.tensor([3.0, 0.5]) + 10
    forecaster.fit_normalization(series)
    origins = range(20, 30)
    expected = seasonal_naive(series, origins, horizon, season)
    torch.testing.assert_close(forecaster(series[None])[0, 20:30], expected)


def test_it_starts_from_the_mean() -> None:
    forecaster, series = silent(features=2, targets=1, horizon=2, start="mean"), torch.randn(40, 2) + 5
    forecaster.fit_normalization(series)
    torch.testing.assert_close(forecaster(series[None]), series[:, 0].mean().expand(1, 40, 2))


def test_the_linear_forecast_is_of_the_last_values_from_their_mean() -> None:
    forecaster = silent(features=2, horizon=3, lags=5)
    series = torch.randn(40, 2) * torch.tensor([3.0, 0.5]) + 10
    forecaster.fit_normalization(series)
    torch.nn.init.normal_(forecaster.linear)
    past = series[16:21]  # the last of them is the current one
    moves = forecaster.linear @ (past - past.mean(0))
    torch.testing.assert_close(forecaster(series[None])[0, 20].view(3, 2), series[20] + moves)


def test_a_series_may_move_to_another_level() -> None:
    forecaster = Forecaster(hidden_size=5, horizon=2, lags=6)
    series = torch.randn(1, 30, 1)
    moved = forecaster(series + 50)[:, 10:] - forecaster(series)[:, 10:]
    torch.testing.assert_close(moved, torch.full_like(moved, 50.0), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("horizon", [1, 4])
def test_what_is_known_of_a_step_changes_its_forecast_alone_behind_the_recurrence(horizon: int) -> None:
    forecaster = silent(features=2, targets=1, known=1, horizon=horizon)
    # The recurrent layers shall not see it, so that only the way to each step remains.
    with torch.no_grad():
        for name, weight in forecaster.recurrent.named_parameters():
            if "weight" in name and weight.shape[-1] == 2:
                weight[:, 1] = 0
    x = torch.randn(1, 12, 2)
    changed = x.clone()
    changed[:, 8, 1] += 5  # known at step 8: the value of step 8 + horizon
    differs = (forecaster(x) - forecaster(changed))[0].abs() > 1e-6
    expected = torch.zeros_like(differs)
    for origin in range(8, min(12, 8 + horizon)):
        expected[origin, 8 + horizon - origin - 1] = True
    assert torch.equal(differs, expected)


def test_a_place_in_a_cycle_counts_modulo_its_length() -> None:
    forecaster = Forecaster(features=2, cycles=[24.0], hidden_size=5)
    x = torch.randn(1, 6, 2)
    x[..., 1] = torch.arange(6)
    later = x + torch.tensor([0.0, 24.0])
    torch.testing.assert_close(forecaster(later), forecaster(x), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(forecaster(x + torch.tensor([0.0, 12.0])), forecaster(x))


QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def test_quantiles_never_cross_and_the_middle_one_is_the_forecast() -> None:
    torch.manual_seed(0)
    forecaster = Forecaster(2, 1, hidden_size=5, horizon=3, quantiles=QUANTILES)
    torch.nn.init.normal_(forecaster.head.weight, std=5.0)
    plain = Forecaster(2, 1, hidden_size=5, horizon=3)
    plain.recurrent.load_state_dict(forecaster.recurrent.state_dict())
    with torch.no_grad():
        plain.head.weight.copy_(forecaster.head.weight[2::5])
        plain.head.bias.copy_(forecaster.head.bias[2::5])
    x = torch.randn(4, 20, 2) * 10
    found = forecaster(x).unflatten(-1, (3, 5))
    assert (found.diff(dim=-1) >= 0).all()
    torch.testing.assert_close(found[..., 2], plain(x))


def test_the_pinball_loss_is_least_at_the_quantile() -> None:
    values = torch.arange(1001.0)
    guesses = torch.linspace(0, 1000, 101)
    losses = [float(pinball_loss(guess.expand(1001, 1), values, [0.9]).mean()) for guess in guesses]
    assert guesses[int(torch.tensor(losses).argmin())] == pytest.approx(900)


EVERYTHING = {
    "features": 5, "targets": 2, "horizon": 3, "start": "season", "season": 4, "lags": 6, "known": 1,
    "cycles": [7.0], "quantiles": [0.1, 0.5, 0.9],
}  # fmt: skip


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("streaming", [False, True])
def test_all_of_it_exports_and_streams(cell: str, streaming: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    forecaster = Forecaster(hidden_size=6, cell=cell, **EVERYTHING).eval()
    series = torch.randn(60, 5).cumsum(0) * 3 + 10
    forecaster.fit_normalization(series)
    torch.nn.init.normal_(forecaster.linear)
    edgernn.export(forecaster, tmp_path / "f.onnx", series[None, :20], streaming=streaming)
    assert edgernn.verify(forecaster, tmp_path / "f.onnx").passed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"start": "first"}, "start must be 'last', 'season' or 'mean', found 'first'"),
        ({"start": "season"}, "needs a season of 1 or more steps, found None"),
        ({"quantiles": [0.1, 0.9]}, "symmetric around 0.5, which is one of them.*found 0.1, 0.9"),
        ({"quantiles": [0.1, 0.5, 0.8]}, "symmetric"),
        ({"quantiles": [0.9, 0.5, 0.1]}, "must ascend"),
        ({"features": 2, "known": 1, "targets": 2}, r"at most features \(1\)"),
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
