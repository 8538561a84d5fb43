"""FastGRNN, Kusupati et al. (2018), "FastGRNN: a fast, accurate, stable and tiny kilobyte sized gated
recurrent neural network".

m = W x_t + U h_{t-1}                    one matrix for the gate and the candidate
z = σ(m + b_z)
n = tanh(m + b_n)
h_t = (ζ (1 - z) + ν) ⊙ n + z ⊙ h_{t-1}        ζ = σ(zeta), ν = σ(nu): two numbers
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from edgernn.cells.arrays import Array, Product
from edgernn.cells.backpropagated import BackpropagatedCell, over_rows
from edgernn.cells.base import ReferenceStep, State
from edgernn.cells.operator import OnnxOperator, own_operator, stack_blocks
from edgernn.cells.products import linear, outer_product
from edgernn.cells.steps import Parts, Steps
from edgernn.errors import InputError
from edgernn.reference import fast_grnn as reference


class FastGRNNSteps(Steps):
    """A run of a `FastGRNN`. With σ(v) = tanh(v/2) / 2 + 1/2, one tanh gives both z and n."""

    def prepare(self) -> Parts:
        """z and n together, (T, B, 2, H), each of them alone, and what n is multiplied with."""
        cell, arrays, size = self.cell, self.arrays, self.cell.hidden_size
        factors = [arrays.of(factor.T.contiguous()) for factor in cell.recurrent_factors()[::-1]]
        self.from_past = self.products(factors)
        self.half = arrays.row((0.5, size), (1.0, size)).reshape(2, size)
        self.shift = arrays.row((0.5, size), (0.0, size)).reshape(2, size)
        self.bias = 0 * self.half
        if cell.bias_z is not None and cell.bias_n is not None:
            self.bias = arrays.of(torch.stack([cell.bias_z, cell.bias_n])) * self.half
        self.zeta, self.nu = (arrays.of(torch.sigmoid(each.detach())) for each in (cell.zeta, cell.nu))
        self.gates = arrays.empty(self.time, self.batch, 2, size)
        self.share = arrays.empty(self.time, self.batch, size)
        self.m, self.small = (arrays.empty(self.batch, size) for _ in range(2))
        self.inner = arrays.empty(self.batch, factors[0].shape[1])
        return self.projected, self.gates, self.gates[:, :, 0], self.gates[:, :, 1], self.share

    def products(self, factors: list[Array]) -> list[Product]:
        """With each of U's factors, one or two."""
        return [self.arrays.product(factor, self.batch) for factor in factors]

    def through(self, products: list[Product], v: Array, out: Array) -> None:
        """One after the other."""
        if len(products) == 2:
            products[0](v, self.inner)
            v = self.inner
        products[-1](v, out)

    def advance(self, kept: Parts, before: Parts, after: Parts) -> None:
        """The equations above."""
        projected, gates, z, n, share = kept
        (h,), (new_h,), ops = before, after, self.ops
        self.through(self.from_past, h, self.m)
        ops.add(self.m, projected, out=self.m)
        ops.multiply(self.m[:, None], self.half, out=gates)
        ops.add(gates, self.bias, out=gates)
        ops.tanh(gates, out=gates)
        ops.multiply(gates, self.half, out=gates)
        ops.add(gates, self.shift, out=gates)
        ops.multiply(z, self.zeta, out=share)
        ops.subtract(self.zeta + self.nu, share, out=share)
        ops.multiply(share, n, out=new_h)
        ops.multiply(z, h, out=self.small)
        ops.add(new_h, self.small, out=new_h)

    def begin_return(self) -> Parts:
        """h's slopes by m, in whose place comes m's gradient, and by the h before; h's gradient is kept."""
        self.to_past = self.products([self.arrays.of(factor) for factor in self.cell.recurrent_factors()])
        self.z = self.gates[:, :, 0]
        self.by_m, self.dh = (self.arrays.empty(*self.share.shape) for _ in range(2))
        self.by_gate = self.arrays.empty(*self.gates.shape)
        return self.by_m, self.z, self.dh

    def slopes(self, part: slice) -> None:
        """By the arguments of z and n, and their sum."""
        z, n, by_gate = self.gates[part][:, :, 0], self.gates[part][:, :, 1], self.by_gate[part]
        by_gate[:, :, 0] = (self.before[0][part] - self.zeta * n) * (z - z * z)
        by_gate[:, :, 1] = self.share[part] * (1 - n * n)
        self.ops.add(by_gate[:, :, 0], by_gate[:, :, 1], out=self.by_m[part])

    def retreat(self, slopes: Parts, dstate: Parts) -> None:
        """Back through one step."""
        by_m, z, kept_dh = slopes
        (dh,) = dstate
        kept_dh[...] = dh
        self.ops.multiply(by_m, dh, out=by_m)
        self.through(self.to_past, by_m, dh)
        self.ops.multiply(kept_dh, z, out=self.small)
        self.ops.add(dh, self.small, out=dh)

    def weight_gradients(self) -> tuple[Tensor, dict[str, Tensor]]:
        """U or its factors, zeta, nu, b_z and b_n."""
        dm, dh, h, gates, by_gate = (
            self.arrays.tensor(array)
            for array in (self.by_m, self.dh, self.before[0], self.gates, self.by_gate)
        )
        z, n = gates.unbind(2)
        dscale = dh * n
        zeta, nu = (self.arrays.tensor(each) for each in (self.zeta, self.nu))
        found = {
            "zeta": (dscale * (1 - z)).sum() * zeta * (1 - zeta),
            "nu": dscale.sum() * nu * (1 - nu),
            "bias_z": over_rows(dh * by_gate[:, :, 0]),
            "bias_n": over_rows(dh * by_gate[:, :, 1]),
        }
        if self.cell.recurrent_rank is None:
            return dm, {**found, "weight_hh": outer_product(dm, h)}
        left, right = (factor.detach() for factor in self.cell.recurrent_factors())
        found["weight_hh_left"] = outer_product(dm, h @ right.T)
        found["weight_hh_right"] = outer_product(dm @ left, h)
        return dm, found


class FastGRNN(BackpropagatedCell):
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

    gate_names = ("z", "n")
    steps_of_a_run = FastGRNNSteps

    weight_ih: Tensor
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
            return linear(v, getattr(self, name))
        return linear(linear(v, getattr(self, f"{name}_right")), getattr(self, f"{name}_left"))

    def project(self, x: Tensor) -> Tensor:
        """W x: (..., input_size) → (..., hidden_size)."""
        return self._times("weight_ih", x)

    def recurrent_factors(self) -> list[Tensor]:
        """U, or the left and the right factor whose product it is."""
        return (
            [self.weight_hh] if self.recurrent_rank is None else [self.weight_hh_left, self.weight_hh_right]
        )

    def recur(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """State (h,)."""
        (h,) = state
        m = projected + self._times("weight_hh", h)
        z = torch.sigmoid(m if self.bias_z is None else m + self.bias_z)
        n = torch.tanh(m if self.bias_n is None else m + self.bias_n)
        share = torch.sigmoid(self.zeta) * (1 - z) + torch.sigmoid(self.nu)
        h = torch.addcmul(share * n, z, h)
        return h, (h,)

    def _kernel_operator(self) -> OnnxOperator | None:
        if self.input_rank is not None or self.recurrent_rank is not None:
            return None  # multiplied out, its matrices would no longer be small
        return own_operator(
            "FastGRNN",
            self.weight_ih,
            R=self.weight_hh,
            P=stack_blocks(
                self.hidden_size,
                1 if self.bias_z is None else self.bias_z,
                1 if self.bias_n is None else self.bias_n,
                torch.sigmoid(self.zeta),
                torch.sigmoid(self.nu),
            ),
        )

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.step, self.numpy_parameters())
