"""Normalisation of features over time: by the training data, a whole recording, or what came so far."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgernn.cells.base import Cell, State
from edgernn.errors import InputError
from edgernn.layers import Recurrent

# Keeps a feature that never changes finite.
_SMALLEST_SCALE = 1e-3


class FixedNormalization(nn.Module):
    """y = (x − mean) / scale with the training data's mean and standard deviation; streams as it is.

    Args:
        features: of x.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))

    @torch.no_grad()
    def fit(self, values: Tensor) -> None:
        """Set mean and scale from the training part's features.

        Args:
            values: (time, features), of all recordings, one after the other.

        Raises:
            InputError: where the shape does not fit, or a value is not finite.
        """
        if values.dim() != 2 or values.shape[1] != len(self.mean) or not len(values):
            raise InputError(
                f"normalization: values must be (time, {len(self.mean)}), found shape {tuple(values.shape)}."
            )
        if not bool(torch.isfinite(values).all()):
            raise InputError("normalization: values hold NaN or infinity; fill or remove them.")
        self.mean.copy_(values.double().mean(0))
        self.scale.copy_(values.double().std(0, correction=0).clamp(min=_SMALLEST_SCALE))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, features) → the same shape."""
        return (x - self.mean) / self.scale


class UtteranceNormalization(nn.Module):
    """y = (x − mean over time) / standard deviation over time, of each recording by itself.

    It takes loudness, room and microphone out, and needs the whole recording: it does not stream.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, features) → the same shape."""
        mean = x.mean(1, keepdim=True)
        scale = (x - mean).square().mean(1, keepdim=True).sqrt()
        return (x - mean) / scale.clamp(min=_SMALLEST_SCALE)


class RunningMoments(Cell):
    """The mean and the variance so far, the past fading: (1 − share) of it remains after each step.

    d_t = x_t − m_{t−1},   m_t = m_{t−1} + share d_t,   v_t = (1 − share) (v_{t−1} + share d_t²)
    y_t = (x_t − m_t) / √v_t

    Source: West (1979), "Updating mean and variance estimates", with fading weights. The states before the
    first step are the training data's.

    Args:
        features: of x and y.
        share: of a new step in the mean, within (0, 1).
    """

    state_names = ("mean", "variance")
    mean: Tensor
    variance: Tensor

    def __init__(self, features: int, share: float) -> None:
        super().__init__(features, features)
        if not 0 < share < 1:
            raise InputError(f"RunningMoments: share must be within 0 and 1, found {share!r}.")
        self.share = share
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("variance", torch.ones(features))

    def initial_state(self, batch: int) -> State:
        """The training data's moments."""
        return self.mean.expand(batch, -1), self.variance.expand(batch, -1)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """State (mean, variance)."""
        mean, variance = state
        difference = x - mean
        mean = mean + self.share * difference
        variance = (1 - self.share) * (variance + self.share * difference * difference)
        scale = variance.clamp(min=_SMALLEST_SCALE**2).sqrt()
        return (x - mean) / scale, (mean, variance)


class RunningNormalization(nn.Module):
    """Normalisation by the moments so far (`RunningMoments`): it follows microphone and room, and streams.

    Args:
        features: of x.
        time_constant: steps after which a step's weight in the moments has fallen to 1/e.
    """

    def __init__(self, features: int, time_constant: float = 100.0) -> None:
        super().__init__()
        if not time_constant > 1:
            raise InputError(
                f"RunningNormalization: time_constant must be above 1 step, found {time_constant!r}."
            )
        self.moments = Recurrent(RunningMoments(features, 1 / time_constant))

    @torch.no_grad()
    def fit(self, values: Tensor) -> None:
        """Set the moments before the first step from the training part's features, (time, features)."""
        (cell,) = (module for module in self.modules() if isinstance(module, RunningMoments))
        fixed = FixedNormalization(cell.input_size)
        fixed.fit(values)
        cell.mean.copy_(fixed.mean)
        cell.variance.copy_(fixed.scale.square())

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, features) → the same shape."""
        y: Tensor = self.moments(x)[0]
        return y
