"""AnomalyDetector: how far a sensor is from what was forecast of it, and whether to alarm."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.models.forecaster import Forecaster
from edgernn.models.named import check_sizes

# What is measured of each channel, in the order of `limits`.
SIGNS = ("error", "error ahead", "bias", "bias ahead", "noise", "stillness")


class AnomalyDetector(nn.Module):
    """Compares every sample with forecasts that were made of it, one step and `horizon` steps before.

    With e_t and f_t the errors of these forecasts, in standard deviations, d_t the change from the sample
    before, and means over the last `span` steps, a channel shows six signs of a fault:

        |e|, |f|, |mean(e)|, |mean(f)|, √mean(e²), 1 / mean(|d|)

    which answer to spikes and dropouts, to drifts, to noise and to values that stand still. Each is divided
    by its own limit, and

        score_t = the largest of all / threshold,   alarm_t = relu(score_t − 1)

    An alarm above zero is one: it says by how much the score is beyond the threshold. In the first `settle`
    steps, with little to forecast from yet, there is none. The forecasts see values clipped to what the
    series held before, and half as much again on both sides, so that they get over a fault sooner. No output
    depends on a later input, so the network streams sample by sample.

    Args:
        features: channels.
        horizon: steps ahead of the earlier forecast.
        span: steps that the means are over.
        settle: steps from the start without an alarm.
        forecaster: further arguments of `Forecaster`.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> detector = AnomalyDetector(features=3, horizon=6)
        >>> detector(torch.randn(2, 100, 3)).shape
        torch.Size([2, 100, 2])
    """

    low: Tensor
    high: Tensor
    spread: Tensor
    step: Tensor
    limits: Tensor
    threshold: Tensor

    def __init__(
        self, features: int = 1, horizon: int = 6, span: int = 8, settle: int = 48, **forecaster: Any
    ) -> None:
        super().__init__()
        check_sizes("AnomalyDetector", features=features, horizon=horizon, span=span)
        if settle < horizon:
            raise InputError(
                f"AnomalyDetector: settle must be at least the horizon ({horizon}), found {settle}."
            )
        self.features, self.horizon, self.span, self.settle = features, horizon, span, settle
        self.forecaster = Forecaster(features, horizon=horizon, **forecaster)
        self.register_buffer("low", torch.full((features,), -torch.inf))
        self.register_buffer("high", torch.full((features,), torch.inf))
        self.register_buffer("spread", torch.ones(2, features))
        self.register_buffer("step", torch.ones(features))
        self.register_buffer("limits", torch.ones(len(SIGNS), features))
        self.register_buffer("threshold", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Score every step.

        Args:
            x: (batch, time, features), raw values.

        Returns:
            (batch, time, 2): the score, and what of it is beyond the alarm's threshold.
        """
        score = (self.signs(x) / self.limits).amax((2, 3)) / self.threshold
        settled = (torch.ones_like(score).cumsum(1) - self.settle).clamp(0, 1)
        return torch.stack([score, settled * F.relu(score - 1)], -1)

    def signs(self, x: Tensor) -> Tensor:
        """What is measured of each channel: (batch, time, signs, features)."""
        near, far = self.errors(x)
        moved = (x - _before(x, 1)).abs() / self.step
        quiet = 1 / (self._mean(moved) + 1e-3)
        bias, bias_ahead, power = self._mean(near), self._mean(far), self._mean(near.square())
        found = [near.abs(), far.abs(), bias.abs(), bias_ahead.abs(), (power + 1e-12).sqrt(), quiet]
        return torch.stack(found, 2)

    def errors(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Errors of the forecasts made one step and `horizon` steps before, each (batch, time, features)."""
        # From the mean, so that before the first forecast the mean stands for it.
        mean = self.forecaster.mean
        seen = torch.minimum(torch.maximum(x, self.low), self.high)
        forecasts = self.forecaster(seen).unflatten(2, (self.horizon, self.features)) - mean
        near = x - mean - _before(forecasts[:, :, 0], 1)
        far = x - mean - _before(forecasts[:, :, -1], self.horizon)
        return near / self.spread[0], far / self.spread[1]

    @torch.no_grad()
    def calibrate(self, series: Tensor, known: Tensor, rate: float) -> Tensor:
        """Set the clipping, the units of the errors, the limit of each sign and the threshold.

        Each sign's limit is its quantile 1 − rate; the threshold is then the conformal one of the largest of
        them (Vovk et al. 2005): of n scores, the ⌈(n + 1)(1 − rate)⌉-th.

        Args:
            series: (time, features), a series without faults, or with few.
            known: (time,) bool, which of its steps are clean and are to be learned from.
            rate: share of the steps of such a series that may alarm.

        Returns:
            The scores of these steps, before they are divided by the threshold, for who wants another one.

        Raises:
            InputError: where these are too few steps for such a rate.
        """
        known = known & (torch.arange(len(series)) >= self.settle)
        count = int(known.sum())
        place = math.ceil((count + 1) * (1 - rate))
        if place > count:
            raise InputError(
                f"calibrate: {count} clean time steps cannot tell a false-alarm rate of {rate:g}; it takes "
                f"{int(1 / rate)}. Give more of them, or a larger rate."
            )
        low, high = series.amin(0), series.amax(0)
        self.low.copy_(low - (high - low) / 2)
        self.high.copy_(high + (high - low) / 2)
        for buffer in (self.spread, self.step, self.limits, self.threshold):
            buffer.fill_(1.0)
        near, far = (errors[0, known] for errors in self.errors(series[None]))
        self.spread.copy_(_positive(torch.stack([near.square().mean(0), far.square().mean(0)]).sqrt()))
        self.step.copy_(_positive(series.diff(dim=0).abs()[known[1:]].mean(0)))
        signs = self.signs(series[None])[0, known]
        self.limits.copy_(_positive(signs.quantile(1 - rate, dim=0)))
        scores = (signs / self.limits).amax((1, 2))
        self.threshold.copy_(_positive(scores.sort().values[place - 1]))
        return scores

    def _mean(self, values: Tensor) -> Tensor:
        """The mean over the last `span` steps; before the start, values count as zero."""
        past = F.pad(values.transpose(1, 2), (self.span - 1, 0))
        return F.avg_pool1d(past, self.span, 1).transpose(1, 2)


def _before(values: Tensor, steps: int) -> Tensor:
    """Values of `steps` steps earlier, zeros before the start: (batch, time, …) alike."""
    return F.pad(values, (0, 0, steps, 0))[:, :-steps]


def _positive(scale: Tensor) -> Tensor:
    return torch.where(scale > 0, scale, torch.ones_like(scale))
