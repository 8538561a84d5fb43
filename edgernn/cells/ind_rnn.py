"""IndRNN, Li et al. (2018), "Independently recurrent neural network (IndRNN)".

h_t = σ(W x_t + b + u ⊙ h_{t-1})        σ: relu or tanh; each unit sees its own past alone
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from edgernn.cells.backpropagated import BackpropagatedCell, over_rows
from edgernn.cells.base import ReferenceStep, State
from edgernn.cells.operator import OnnxOperator, own_operator
from edgernn.cells.products import through
from edgernn.cells.steps import Parts, Steps
from edgernn.errors import InputError
from edgernn.reference import ind_rnn as reference

_ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh}


class IndRNNSteps(Steps):
    """A run of an `IndRNN`."""

    def prepare(self) -> Parts:
        """The arguments of the activation, as far as they are known."""
        self.recurrent = self.arrays.of(self.cell.recurrent)
        self.zero = self.arrays.row((0.0, 1))
        return (self.projected,)

    def advance(self, kept: Parts, before: Parts, after: Parts) -> None:
        """The equation above."""
        (projected,) = kept
        (h,) = after
        self.ops.multiply(before[0], self.recurrent, out=h)
        self.ops.add(h, projected, out=h)
        if self.cell.activation == "relu":
            self.ops.maximum(h, self.zero, out=h)
        else:
            self.ops.tanh(h, out=h)

    def begin_return(self) -> Parts:
        """h's slopes by its argument and by the h before."""
        self.by_argument, self.carried = (self.arrays.empty(*self.after[0].shape) for _ in range(2))
        return self.by_argument, self.carried

    def slopes(self, part: slice) -> None:
        """Of the activation."""
        h, by_argument = self.after[0][part], self.by_argument[part]
        if self.cell.activation == "relu":
            by_argument[...] = h > 0
        else:
            self.ops.multiply(h, -h, out=by_argument)
            by_argument += 1
        self.ops.multiply(by_argument, self.recurrent, out=self.carried[part])

    def retreat(self, slopes: Parts, dstate: Parts) -> None:
        """Back through one step."""
        by_argument, carried = slopes
        (dh,) = dstate
        self.ops.multiply(by_argument, dh, out=by_argument)
        self.ops.multiply(dh, carried, out=dh)

    def weight_gradients(self) -> tuple[Tensor, dict[str, Tensor]]:
        """That of u."""
        dprojected = self.arrays.tensor(self.by_argument)
        return dprojected, {"recurrent": over_rows(dprojected * self.arrays.tensor(self.before[0]))}


class IndRNN(BackpropagatedCell):
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

    steps_of_a_run = IndRNNSteps

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
        return through(self.input, x)

    def recur(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """State (h,)."""
        h = _ACTIVATIONS[self.activation](torch.addcmul(projected, self.recurrent, state[0]))
        return h, (h,)

    def _kernel_operator(self) -> OnnxOperator:
        activations = ("Tanh",) if self.activation == "tanh" else ()
        return own_operator(
            "IndRNN", self.input.weight, B=self.input.bias, P=self.recurrent, activations=activations
        )

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.step, self.numpy_parameters(), activation=self.activation)
