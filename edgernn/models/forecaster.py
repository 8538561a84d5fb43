"""Forecaster: the next values of a time series, from raw values to raw values."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.layers import Recurrent
from edgernn.models.named import cell_type, check_sizes


class Forecaster(nn.Module):
    """A recurrent network that forecasts, after every time step, the next values of a series.

    With z_t = (x_t − mean) / scale and h_t the recurrent layers' output at step t:

        y_t = x_t + change ⊙ (W h_t + b)

    It predicts the change from the current value, so a head of zeros is the persistence forecast. Input and
    output are raw values in the user's unit: `mean`, `scale` and `change` are buffers, part of the weights
    and of an exported graph. Every step depends on the past alone, so the network streams sample by sample.

    Args:
        features: values a time step.
        targets: how many of the features are forecast: the first ones. None: all.
        hidden_size: size of the recurrent layers.
        cell: name of a cell in `edgernn.cells`, in any case: "lstm", "gru", "rnn", …
        num_layers: recurrent layers on top of each other.
        dropout: probability of zeroing an element between two layers, in training only.
        horizon: how many future steps are forecast at once.

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
    ) -> None:
        super().__init__()
        targets = features if targets is None else targets
        check_sizes("Forecaster", features=features, targets=targets, horizon=horizon)
        if targets > features:
            raise InputError(f"Forecaster: targets must be at most features ({features}), found {targets}.")
        self.features, self.targets, self.horizon = features, targets, horizon
        self.recurrent = Recurrent(cell_type(cell)(features, hidden_size), num_layers, dropout=dropout)
        self.head = nn.Linear(hidden_size, horizon * targets)
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.register_buffer("change", torch.ones(horizon * targets))
        # x_t once for each future step, as a product with zeros and ones. Broadcasting does without it where
        # there is one feature, and one step of all features is x_t itself.
        plain = features == targets and 1 in (features, horizon)
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
        if series.dim() != 2 or series.shape[1] != self.features or len(series) <= self.horizon:
            raise InputError(
                f"fit_normalization: series must be (time, {self.features}) with more than {self.horizon} "
                f"time steps, found shape {tuple(series.shape)}."
            )
        if not bool(torch.isfinite(series).all()):
            raise InputError("fit_normalization: series holds NaN or infinity; fill or remove these values.")
        values = series.double()
        changes = [
            (values[step:] - values[:-step])[:, : self.targets].square().mean(0).sqrt()
            for step in range(1, self.horizon + 1)
        ]
        self.mean.copy_(values.mean(0))
        self.scale.copy_(_nonzero(values.std(0, correction=0)))
        self.change.copy_(_nonzero(torch.cat(changes)))

    def forward(self, x: Tensor) -> Tensor:
        """Forecast after every step.

        Args:
            x: (batch, time, features), raw values.

        Returns:
            (batch, time, horizon × targets), raw values: at step t the targets of step t + 1, then those of
            step t + 2, and so on.
        """
        hidden, _ = self.recurrent((x - self.mean) / self.scale)
        current = x if self.echo is None else F.linear(x, self.echo)
        forecast: Tensor = current + self.change * self.head(hidden)
        return forecast

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        return f"features={self.features}, targets={self.targets}, horizon={self.horizon}"


def _nonzero(scale: Tensor) -> Tensor:
    """`scale` with 1 in place of 0: a feature that never changes is only centred."""
    return torch.where(scale > 0, scale, torch.ones_like(scale))
