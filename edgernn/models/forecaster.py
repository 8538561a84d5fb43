"""Forecaster: the next values of a time series, from raw values to raw values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.layers import Recurrent
from edgernn.models.named import cell_type, check_sizes
from edgernn.models.quantiles import check_quantiles, spread_out

# Hidden units between what is known of a future step and its forecast.
_KNOWN_UNITS = 32


class Forecaster(nn.Module):
    """A recurrent network that forecasts, after every time step, the next values of a series.

    With z_t = (x_t − mean) / scale and h_t the recurrent layers' output at step t, the forecast of t + k:

        y_{t+k} = start_{t,k} + change_k ⊙ (W_k h_t + b_k)

    It predicts the change from a forecast without learning, so a head of zeros is that forecast: `start` is
    the current value ("last", persistence), the value of the same phase of the latest season ("season"), or
    the mean of the training part ("mean"). Further parts, each on request:

    - `lags` adds scale ⊙ A_k (z_{t−lags+1} … z_t − level_t), a linear forecast from the last `lags` values
      and their mean level_t, the same for all targets, as in LSTNet (Lai et al. 2018). The recurrent layers
      then see values less their mean over the last `lags` (or `season`) steps, so that a series may move to
      where it never was in training.
    - `known`, `cycles`: columns whose future is known. They come `horizon` steps early: at step t stands the
      value of step t + horizon. V relu(U known_{t+k} + Q h_t) is added to the forecast of each step t + k.
      In the first horizon − 1 steps of a stream, what came before its start counts as nothing.
    - `quantiles`: instead of one value, one for each quantile. The middle one is the forecast above; the
      others are sums of positive distances from it, so that they never cross.

    Input and output are raw values in the user's unit: `mean`, `scale` and `change` are buffers, part of the
    weights and of an exported graph. Every step depends on the past alone, so the network streams sample by
    sample.

    Args:
        features: values a time step: targets first, then further inputs, then `known` and `cycles` columns.
        targets: how many of the features are forecast: the first ones. None: all but the known ones.
        hidden_size: size of the recurrent layers.
        cell: name of a cell in `edgernn.cells`, in any case: "lstm", "gru", "rnn", …
        num_layers: recurrent layers on top of each other.
        dropout: probability of zeroing an element between two layers, in training only.
        horizon: how many future steps are forecast at once.
        start: what the forecast starts from: "last", "season" or "mean".
        season: time steps of a season, for start="season".
        lags: past values of the linear forecast; 0: none.
        known: how many columns hold numbers whose future is known.
        cycles: of each column that holds a place in a cycle: the cycle's length, e.g. 24 for an hour of the
            day. The network takes the sine and cosine of it.
        quantiles: ascending, symmetric around 0.5, which is one of them; empty: one value.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> forecaster = Forecaster(features=2, horizon=3)
        >>> forecaster(torch.randn(4, 36, 2)).shape
        torch.Size([4, 36, 6])
    """

    mean: Tensor
    scale: Tensor
    change: Tensor
    echo: Tensor | None

    def __init__(
        self,
        features: int = 1,
        targets: int | None = None,
        hidden_size: int = 50,
        cell: str = "lstm",
        num_layers: int = 1,
        dropout: float = 0.0,
        horizon: int = 1,
        start: Literal["last", "season", "mean"] = "last",
        season: int | None = None,
        lags: int = 0,
        known: int = 0,
        cycles: Sequence[float] = (),
        quantiles: Sequence[float] = (),
    ) -> None:
        super().__init__()
        own = features - known - len(cycles)
        targets = own if targets is None else targets
        check_sizes("Forecaster", features=features, targets=targets, horizon=horizon)
        if targets > own:
            raise InputError(f"Forecaster: targets must be at most features ({own}), found {targets}.")
        self.quantiles = check_quantiles("Forecaster", quantiles)
        self.features, self.targets, self.horizon, self.own = features, targets, horizon, own
        self.start, self.lags, self.cycles = start, lags, tuple(cycles)
        self.steps_back = _steps_back(start, season, horizon)
        # Steps that the window of the linear forecast and of the level has.
        self.memory = max(lags, max(self.steps_back) if start == "season" else 0)
        inputs = own + known + 2 * len(cycles)
        self.recurrent = Recurrent(cell_type(cell)(inputs, hidden_size), num_layers, dropout=dropout)
        if lags:
            self.linear = nn.Parameter(torch.zeros(horizon, lags))
        values = max(1, len(self.quantiles))
        if inputs > own:
            self.known_in = nn.Linear(inputs - own, _KNOWN_UNITS)
            self.state_in = nn.Linear(hidden_size, _KNOWN_UNITS, bias=False)
            self.known_out = nn.Linear(_KNOWN_UNITS, targets * values, bias=False)
        self.head = nn.Linear(hidden_size, horizon * targets * values)
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.register_buffer("change", torch.ones(horizon * targets))
        # x_t once for each future step, as a product with zeros and ones. Broadcasting does without it where
        # there is one feature, and one step of all features is x_t itself.
        plain = self.memory or start != "last" or (features == targets and 1 in (features, horizon))
        echo = None if plain else torch.eye(features)[:targets].repeat(horizon, 1)
        self.register_buffer("echo", echo, persistent=False)

    @torch.no_grad()
    def fit_normalization(self, series: Tensor) -> None:
        """Set the normalisation from the training part of a series.

        Args:
            series: (time, features), raw values, more than `horizon` steps.

        Raises:
            InputError: where the shape does not fit, or a value is not finite.
        """
        needed = max(self.horizon, *self.steps_back)
        if series.dim() != 2 or series.shape[1] != self.features or len(series) <= needed:
            raise InputError(
                f"fit_normalization: series must be (time, {self.features}) with more than {needed} "
                f"time steps, found shape {tuple(series.shape)}."
            )
        if not bool(torch.isfinite(series).all()):
            raise InputError("fit_normalization: series holds NaN or infinity; fill or remove these values.")
        values = series.double()
        scale = _nonzero(values.std(0, correction=0))
        if self.start == "mean":
            changes = [scale[: self.targets]] * self.horizon
        else:
            changes = [
                (values[back:] - values[:-back])[:, : self.targets].square().mean(0).sqrt()
                for back in self.steps_back
            ]
        self.mean.copy_(values.mean(0))
        self.scale.copy_(scale)
        self.change.copy_(_nonzero(torch.cat(changes)))

    def forward(self, x: Tensor) -> Tensor:
        """Forecast after every step.

        Args:
            x: (batch, time, features), raw values.

        Returns:
            (batch, time, horizon × targets × quantiles), raw values: at step t the targets of step t + 1,
            then those of step t + 2, and so on; of each its quantiles, ascending, where there are any.
        """
        z = (x - self.mean) / self.scale
        known = self._known(x, z)
        hidden, _ = self.recurrent(self._seen(z, known))
        moves = self.head(hidden)
        if known is not None:
            # (batch, time, units, horizon): what is known of each of the next steps.
            ahead = F.pad(self.known_in(known), (0, 0, self.horizon - 1, 0)).unfold(1, self.horizon, 1)
            of_step = F.relu(ahead.transpose(2, 3) + self.state_in(hidden).unsqueeze(2))
            moves = moves + self.known_out(of_step).flatten(2)
        start = self._start(x, z)
        if not self.quantiles:
            forecast: Tensor = start + self.change * moves
            return forecast
        spread = spread_out(moves.unflatten(2, (-1, len(self.quantiles))))
        return (start.unsqueeze(-1) + self.change.unsqueeze(-1) * spread).flatten(2)

    def _known(self, x: Tensor, z: Tensor) -> Tensor | None:
        """What is known of step t + horizon, as the network takes it: (batch, time, …)."""
        if self.own == self.features:
            return None
        places = self.features - len(self.cycles)
        parts = [z[..., self.own : places]] if places > self.own else []
        for index, length in enumerate(self.cycles):
            angle = x[..., places + index : places + index + 1] * (2 * math.pi / length)
            parts += [angle.sin(), angle.cos()]
        return torch.cat(parts, -1)

    def _seen(self, z: Tensor, known: Tensor | None) -> Tensor:
        """What the recurrent layers take."""
        if known is None and not self.memory:
            return z
        seen = z[..., : self.own]
        if self.memory:
            past = F.pad(seen.transpose(1, 2), (self.memory - 1, 0))
            seen = seen - F.avg_pool1d(past, self.memory, 1).transpose(1, 2)
        return seen if known is None else torch.cat([seen, known], -1)

    def _start(self, x: Tensor, z: Tensor) -> Tensor:
        """What the forecast starts from: (batch, time, horizon × targets or what broadcasts to it)."""
        if self.memory:
            past = F.pad(z[..., : self.targets].transpose(1, 2), (self.memory - 1, 0))
            weights = self._weights_of_the_past().repeat(self.targets, 1).unsqueeze(1)
            found = F.conv1d(past, weights, groups=self.targets)
            found = found.unflatten(1, (self.targets, self.horizon)).permute(0, 3, 2, 1)
            start: Tensor = (self.mean[: self.targets] + self.scale[: self.targets] * found).flatten(2)
            return start
        if self.start == "mean":
            return self.mean[: self.targets].repeat(self.horizon)
        return x if self.echo is None else F.linear(x, self.echo)

    def _weights_of_the_past(self) -> Tensor:
        """(horizon, memory): how much each of the last steps counts, the oldest first."""
        ones = torch.zeros(self.horizon, self.memory, dtype=self.mean.dtype, device=self.mean.device)
        if self.start != "mean":
            for step, back in enumerate(self.steps_back, start=1):
                ones[step - 1, self.memory - 1 - (back - step)] = 1.0
        if not self.lags:
            return ones
        of_level = self.linear - self.linear.sum(1, keepdim=True) / self.lags
        return ones + F.pad(of_level, (self.memory - self.lags, 0))

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        return f"features={self.features}, targets={self.targets}, horizon={self.horizon}"


def _steps_back(start: str, season: int | None, horizon: int) -> tuple[int, ...]:
    """For each future step, how many steps before it the value stands that its forecast starts from."""
    if start not in ("last", "season", "mean"):
        raise InputError(f"Forecaster: start must be 'last', 'season' or 'mean', found {start!r}.")
    if start != "season":
        return tuple(range(1, horizon + 1))
    if season is None or season < 1:
        raise InputError(f"Forecaster: start='season' needs a season of 1 or more steps, found {season!r}.")
    return tuple(-(-step // season) * season for step in range(1, horizon + 1))


def _nonzero(scale: Tensor) -> Tensor:
    """`scale` with 1 in place of 0: a feature that never changes is only centred."""
    return torch.where(scale > 0, scale, torch.ones_like(scale))
