"""IndRNN, Li et al. (2018), "Independently recurrent neural network (IndRNN)".

h_t = σ(W x_t + b + u ⊙ h_{t-1})        σ: relu or tanh; each unit sees its own past alone
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgernn.cells.backpropagated import BackpropagatedCell, Trace, over_rows, tanh_slope
from edgernn.cells.base import ReferenceStep, State
from edgernn.errors import InputError
from edgernn.reference import ind_rnn as reference

_ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh}


class Record(NamedTuple):
    """What a step leaves for its gradient: the new h (batch, hidden)."""

    h: Tensor


class IndRNN(BackpropagatedCell[Record]):
    """Units that are connected across layers and not within one; made to be stacked.

    Parameters: input.weight (hidden, input), recurrent (hidden,), and with `bias` input.bias (hidden,).

    Args:
        input_size: features of x.
        hidden_size: features of h.
        activation: "relu" or "tanh".
        bias: whether b exists.
        recurrent_max: recurrent weights are drawn uniform in ±recurrent_max, and `clip_recurrent` keeps them
            there. The paper keeps them within 2^(1/T) for relu and T steps, so that no state explodes.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        activation: str = "relu",
        bias: bool = True,
        recurrent_max: float = 1.0,
    ) -> None:
        super().__init__(input_size, hidden_size)
        if activation not in _ACTIVATIONS:
            raise InputError(
                f"IndRNN: activation must be one of {sorted(_ACTIVATIONS)}, found {activation!r}."
            )
        if not recurrent_max > 0:
            raise InputError(f"IndRNN: recurrent_max must be above 0, found {recurrent_max!r}.")
        self.activation, self.bias, self.recurrent_max = activation, bias, recurrent_max
        self.input = nn.Linear(input_size, hidden_size, bias)
        self.recurrent = nn.Parameter(torch.empty(hidden_size).uniform_(-recurrent_max, recurrent_max))

    @torch.no_grad()
    def clip_recurrent(self) -> None:
        """Put recurrent weights back into ±recurrent_max; to be called after an optimizer's step."""
        self.recurrent.clamp_(-self.recurrent_max, self.recurrent_max)

    def project(self, x: Tensor) -> Tensor:
        """W x + b: (..., input_size) → (..., hidden_size)."""
        projected: Tensor = self.input(x)
        return projected

    def advance(self, projected: Tensor, state: State) -> tuple[State, Record]:
        """State (h,)."""
        h = _ACTIVATIONS[self.activation](torch.addcmul(projected, self.recurrent, state[0]))
        return (h,), Record(h)

    def slopes(self, kept: Record, before: State) -> tuple[Tensor, ...]:
        """h's by its argument and by the h before."""
        slope = (kept.h > 0).to(kept.h.dtype) if self.activation == "relu" else tanh_slope(kept.h)
        return slope, slope * self.recurrent

    def retreat(self, slopes: tuple[Tensor, ...], dstate: State) -> tuple[Tensor, State, State]:
        """Back through one step."""
        by_argument, carried = slopes
        (dh,) = dstate
        return dh * by_argument, (dh * carried,), ()

    def weight_gradients(self, trace: Trace[Record]) -> dict[str, Tensor]:
        """That of u."""
        return {"recurrent": over_rows(trace.dprojected * trace.before[0])}

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.step, self.numpy_parameters(), activation=self.activation)
