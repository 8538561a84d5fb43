"""What gated cells share whose biases and past are only added to their projected input.

a = W_ih x + b_ih + b_hh + W_hh h: all but the last term is there for all steps before the first one runs.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from edgernn.cells.arrays import Array
from edgernn.cells.backpropagated import BackpropagatedCell
from edgernn.cells.gated import GatedCell
from edgernn.cells.products import linear, outer_product
from edgernn.cells.steps import Parts, Steps


class HoistedCell(BackpropagatedCell, GatedCell):
    """A gated cell that projects both biases with the input, and that brings its own gradient."""

    def project(self, x: Tensor) -> Tensor:
        """W_ih x + b_ih + b_hh: (..., input_size) → (..., gates × units)."""
        bias = None if self.bias_ih is None or self.bias_hh is None else self.bias_ih + self.bias_hh
        return linear(x, self.weight_ih, bias)

    def with_past(self, projected: Tensor, h: Tensor) -> Tensor:
        """projected + W_hh h, (batch, gates × units)."""
        return projected + F.linear(h, self.weight_hh)


class LSTMSteps(Steps):
    """The part of a run that LSTMs share: from the arguments of i, f, g, o (in this order) to c and tanh(c).

    With σ(v) = tanh(v/2) / 2 + 1/2, one tanh gives all gates: arguments and weights of i, f and o are halved
    beforehand. `units` are the features of c, U.

    Attributes:
        half, shift: (4 U,), what tanh is multiplied with, as arguments were, and what is added.
        gates: (T, B, 4 U): the arguments as far as they are known, in whose place come the gates.
        tanh_c: (T, B, U), what o is multiplied with.
    """

    def prepare(self) -> Parts:
        """Gates, each of them alone, and tanh(c)."""
        units = self.units = self.after[1].shape[-1]
        self.half = self.arrays.row((0.5, 2 * units), (1.0, units), (0.5, units))
        self.shift = self.arrays.row((0.5, 2 * units), (0.0, units), (0.5, units))
        self.gates = self.projected * self.half
        self.tanh_c = self.arrays.empty(self.time, self.batch, units)
        self.scratch = self.arrays.empty(self.batch, 4 * units)
        self.small = self.arrays.empty(self.batch, units)
        return self.gates, *self.split(self.gates), self.tanh_c

    def split(self, gates: Array) -> Parts:
        """i, f, g, o: (..., 4 U) → (..., U) each."""
        return tuple(gates[..., k * self.units : (k + 1) * self.units] for k in range(4))

    def halved(self, weight: Tensor) -> Array:
        """A matrix (4 U, n) with halved rows of i, f and o, transposed to (n, 4 U)."""
        halved = weight.detach() * self.arrays.tensor(self.half).unsqueeze(1)
        return self.arrays.of(halved.T.contiguous())

    def squash(self, gates: Array, half: Array, shift: Array) -> None:
        """Halved arguments → gates, in place, with these gates' parts of `half` and `shift`."""
        self.ops.tanh(gates, out=gates)
        self.ops.multiply(gates, half, out=gates)
        self.ops.add(gates, shift, out=gates)

    def carry(self, i: Array, f: Array, g: Array, c: Array, new_c: Array) -> None:
        """c' = f ⊙ c + i ⊙ g."""
        self.ops.multiply(f, c, out=new_c)
        self.ops.multiply(i, g, out=self.small)
        self.ops.add(new_c, self.small, out=new_c)

    def begin_return(self) -> Parts:
        """Slopes by the arguments, those of i, f, g as (T, B, 3, U), that of o; of h by c'; of c' by c."""
        shape = self.time, self.batch
        self.by_arguments = self.arrays.empty(*shape, 4 * self.units)
        self.to_c = self.arrays.empty(*shape, self.units)
        self.carried = self.split(self.gates)[1]
        self.small = self.arrays.empty(self.batch, self.units)
        by_gate = self.by_arguments.reshape(*shape, 4, self.units)
        return self.by_arguments, by_gate[:, :, :3], by_gate[:, :, 3], self.to_c, self.carried

    def slopes(self, part: slice) -> None:
        """The derivatives of c' = f ⊙ c + i ⊙ g and h = o ⊙ tanh(c')."""
        gates, tanh_c, found, to_c = (
            array[part] for array in (self.gates, self.tanh_c, self.by_arguments, self.to_c)
        )
        i, _, g, o = self.split(gates)
        by_i, by_f, by_g, by_o = self.split(found)
        multiply, subtract = self.ops.multiply, self.ops.subtract
        multiply(gates, gates, out=found)
        subtract(gates, found, out=found)  # σ' = σ (1 - σ)
        by_i *= g
        by_f *= self.before[1][part]
        by_o *= tanh_c
        multiply(g, g, out=by_g)
        multiply(i, by_g, out=by_g)
        subtract(i, by_g, out=by_g)  # i tanh' = i (1 - tanh²)
        multiply(tanh_c, tanh_c, out=to_c)
        multiply(o, to_c, out=to_c)
        subtract(o, to_c, out=to_c)

    def through_gates(self, slopes: Parts, dh: Array, dc: Array) -> Array:
        """The gradients of the arguments, in the place of their slopes; dc becomes that of the old c."""
        by_arguments, by_ifg, by_o, _, carried = slopes
        self.ops.multiply(by_ifg, dc[:, None], out=by_ifg)
        self.ops.multiply(by_o, dh, out=by_o)
        self.ops.multiply(dc, carried, out=dc)
        return by_arguments


class HoistedSteps(LSTMSteps):
    """A run of a `HoistedCell` with an LSTM's gates."""

    def prepare(self) -> Parts:
        """As `LSTMSteps`."""
        kept = super().prepare()
        self.from_past = self.arrays.product(self.halved(self.cell.weight_hh), self.batch)
        return kept

    def add_past(self, gates: Array, h: Array) -> None:
        """Add W_hh h, halved like the arguments."""
        self.from_past(h, self.scratch)
        self.ops.add(gates, self.scratch, out=gates)

    def begin_return(self) -> Parts:
        """As `LSTMSteps`."""
        self.to_past = self.arrays.product(self.arrays.of(self.cell.weight_hh), self.batch)
        return super().begin_return()

    def retreat(self, slopes: Parts, dstate: Parts) -> None:
        """Back through one step of an LSTM."""
        dh, dc = dstate
        self.ops.multiply(dh, slopes[3], out=self.small)
        self.ops.add(dc, self.small, out=dc)
        self.to_past(self.through_gates(slopes, dh, dc), dh)

    def weight_gradients(self) -> tuple[Tensor, dict[str, Tensor]]:
        """That of W_hh."""
        dprojected = self.arrays.tensor(self.by_arguments)
        return dprojected, {"weight_hh": outer_product(dprojected, self.arrays.tensor(self.before[0]))}
