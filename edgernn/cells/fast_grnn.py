"""FastGRNN, Kusupati et al. (2018), "FastGRNN: a fast, accurate, stable and tiny kilobyte sized gated
recurrent neural network".

m = W x_t + U h_{t-1}                    one matrix for the gate and the candidate
z = σ(m + b_z)
n = tanh(m + b_n)
h_t = (ζ (1 - z) + ν) ⊙ n + z ⊙ h_{t-1}        ζ = σ(zeta), ν = σ(nu): two numbers
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.cells.backpropagated import (
    BackpropagatedCell,
    Trace,
    outer_product,
    over_rows,
    sigmoid_slope,
    tanh_slope,
)
from edgernn.cells.base import ReferenceStep, State
from edgernn.errors import InputError
from edgernn.reference import fast_grnn as reference


class Record(NamedTuple):
    """What a step leaves for its gradient, (batch, hidden) each."""

    z: Tensor
    n: Tensor


class FastGRNN(BackpropagatedCell[Record]):
    """A gated cell with the weights of a plain RNN, or fewer.

    Parameters: weight_ih (hidden, input) is W, weight_hh (hidden, hidden) is U; one of low rank is stored as
    its factors weight_ih_left (hidden, rank) and weight_ih_right (rank, input), or weight_hh_left and _right.
    zeta and nu (1,), and with `bias` bias_z and bias_n (hidden,). They start as in the authors' own code.

    Args:
        input_size: features of x.
        hidden_size: features of h.
        input_rank: rank of W; None: any.
        recurrent_rank: rank of U; None: any.
        bias: whether b_z and b_n exist.
    """

    weight_hh: Tensor
    weight_hh_left: Tensor
    weight_hh_right: Tensor
    bias_z: Tensor | None
    bias_n: Tensor | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        input_rank: int | None = None,
        recurrent_rank: int | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.input_rank, self.recurrent_rank, self.bias = input_rank, recurrent_rank, bias
        self._add_matrix("weight_ih", input_size, input_rank, "input_rank")
        self._add_matrix("weight_hh", hidden_size, recurrent_rank, "recurrent_rank")
        self.zeta, self.nu = nn.Parameter(torch.tensor([1.0])), nn.Parameter(torch.tensor([-4.0]))
        for name in ("bias_z", "bias_n"):
            self.register_parameter(name, nn.Parameter(torch.ones(hidden_size)) if bias else None)

    def _add_matrix(self, name: str, columns: int, rank: int | None, argument: str) -> None:
        """A matrix (hidden, columns), or its two factors."""
        rows = self.hidden_size
        if rank is None:
            self.register_parameter(name, nn.Parameter(0.1 * torch.randn(rows, columns)))
            return
        largest = min(rows, columns)
        if not isinstance(rank, int) or isinstance(rank, bool) or not 1 <= rank <= largest:
            raise InputError(
                f"FastGRNN: {argument} must be None or an integer from 1 to {largest}, the smaller side of "
                f"{name}, found {rank!r}."
            )
        self.register_parameter(f"{name}_left", nn.Parameter(0.1 * torch.randn(rows, rank)))
        self.register_parameter(f"{name}_right", nn.Parameter(0.1 * torch.randn(rank, columns)))

    def _times(self, name: str, v: Tensor) -> Tensor:
        """A matrix times the last dimension of v."""
        if hasattr(self, name):
            return F.linear(v, getattr(self, name))
        return F.linear(F.linear(v, getattr(self, f"{name}_right")), getattr(self, f"{name}_left"))

    def project(self, x: Tensor) -> Tensor:
        """W x: (..., input_size) → (..., hidden_size)."""
        return self._times("weight_ih", x)

    def advance(self, projected: Tensor, state: State) -> tuple[State, Record]:
        """State (h,)."""
        (h,) = state
        m = projected + self._times("weight_hh", h)
        z = torch.sigmoid(m if self.bias_z is None else m + self.bias_z)
        n = torch.tanh(m if self.bias_n is None else m + self.bias_n)
        share = torch.sigmoid(self.zeta) * (1 - z) + torch.sigmoid(self.nu)
        h = torch.addcmul(share * n, z, h)
        return (h,), Record(z, n)

    def slopes(self, kept: Record, before: State) -> tuple[Tensor, ...]:
        """h's by m and by the h before."""
        by_z, by_n = self._by_arguments(kept, before)
        return by_z + by_n, kept.z

    def _by_arguments(self, kept: Record, before: State) -> tuple[Tensor, Tensor]:
        """h's by the arguments of z and n."""
        z, n = kept
        zeta, nu = torch.sigmoid(self.zeta), torch.sigmoid(self.nu)
        return (before[0] - zeta * n) * sigmoid_slope(z), (zeta * (1 - z) + nu) * tanh_slope(n)

    def retreat(self, slopes: tuple[Tensor, ...], dstate: State) -> tuple[Tensor, State, State]:
        """Back through one step; `weight_gradients` sees the gradient of h."""
        by_m, carried = slopes
        (dh,) = dstate
        dm = dh * by_m
        if self.recurrent_rank is None:
            back = dm @ self.weight_hh
        else:
            back = (dm @ self.weight_hh_left) @ self.weight_hh_right
        return dm, (torch.addcmul(back, dh, carried),), (dh,)

    def weight_gradients(self, trace: Trace[Record]) -> dict[str, Tensor]:
        """U or its factors, zeta, nu, b_z and b_n."""
        (h,), (dh,), dm, (z, n) = trace.before, trace.seen, trace.dprojected, trace.kept
        by_z, by_n = self._by_arguments(trace.kept, trace.before)
        dscale = dh * n
        zeta, nu = torch.sigmoid(self.zeta), torch.sigmoid(self.nu)
        found = {
            "zeta": (dscale * (1 - z)).sum() * sigmoid_slope(zeta),
            "nu": dscale.sum() * sigmoid_slope(nu),
            "bias_z": over_rows(dh * by_z),
            "bias_n": over_rows(dh * by_n),
        }
        if self.recurrent_rank is None:
            return {**found, "weight_hh": outer_product(dm, h)}
        found["weight_hh_left"] = outer_product(dm, h @ self.weight_hh_right.T)
        found["weight_hh_right"] = outer_product(dm @ self.weight_hh_left, h)
        return found

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.step, self.numpy_parameters())
