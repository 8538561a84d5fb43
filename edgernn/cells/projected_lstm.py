"""LSTM with a recurrent projection, Sak et al. (2014), "Long short-term memory based recurrent neural network
architectures for large vocabulary speech recognition".

i, f, g, o = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh     (gates in torch's order)
c_t = σ(f) ⊙ c_{t-1} + σ(i) ⊙ tanh(g)
h_t = W_hr (σ(o) ⊙ tanh(c_t))
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.cells.base import ReferenceStep, State
from edgernn.cells.gated import GatedCell
from edgernn.cells.hoisted import HoistedCell, HoistedSteps
from edgernn.cells.operator import OnnxOperator, own_operator
from edgernn.cells.products import outer_product
from edgernn.cells.steps import Parts
from edgernn.errors import InputError
from edgernn.reference import projected_lstm as reference


class ProjectedSteps(HoistedSteps):
    """A run of a `ProjectedLSTM`: an LSTM's, with m = o ⊙ tanh(c) in the place of h, and h = W_hr m."""

    def prepare(self) -> Parts:
        """m besides."""
        kept = super().prepare()
        projection = self.arrays.of(self.cell.weight_hr.T.contiguous())
        self.project = self.arrays.product(projection, self.batch)
        self.m = self.arrays.empty(self.time, self.batch, self.units)
        return *kept, self.m

    def advance(self, kept: Parts, before: Parts, after: Parts) -> None:
        """The equations above."""
        gates, i, f, g, o, tanh_c, m = kept
        h, c = before
        new_h, new_c = after
        self.add_past(gates, h)
        self.squash(gates, self.half, self.shift)
        self.carry(i, f, g, c, new_c)
        self.ops.tanh(new_c, out=tanh_c)
        self.ops.multiply(o, tanh_c, out=m)
        self.project(m, new_h)

    def begin_return(self) -> Parts:
        """The gradient of h besides, for that of W_hr."""
        slopes = super().begin_return()
        self.to_m = self.arrays.product(self.arrays.of(self.cell.weight_hr), self.batch)
        self.dm = self.arrays.empty(self.batch, self.units)
        self.dh = self.arrays.empty(self.time, self.batch, self.cell.hidden_size)
        return *slopes, self.dh

    def retreat(self, slopes: Parts, dstate: Parts) -> None:
        """From h to m, then through an LSTM."""
        *of_lstm, to_c, carried, kept_dh = slopes
        dh, dc = dstate
        kept_dh[...] = dh
        self.to_m(dh, self.dm)
        self.ops.multiply(self.dm, to_c, out=self.small)
        self.ops.add(dc, self.small, out=dc)
        da = self.through_gates((*of_lstm, to_c, carried), self.dm, dc)
        self.to_past(da, dh)

    def weight_gradients(self) -> tuple[Tensor, dict[str, Tensor]]:
        """W_hh and W_hr."""
        dprojected, found = super().weight_gradients()
        found["weight_hr"] = outer_product(self.arrays.tensor(self.dh), self.arrays.tensor(self.m))
        return dprojected, found


class ProjectedLSTM(HoistedCell):
    """torch's LSTM with `proj_size`: c is larger than the output h, which alone goes round.

    Parameters: weight_ih (4 cell, input), weight_hh (4 cell, hidden), weight_hr (hidden, cell), and with
    `bias` bias_ih and bias_hh (4 cell,).

    Args:
        input_size: features of x.
        hidden_size: features of the output h: what torch calls `proj_size`.
        cell_size: features of c: what torch calls `hidden_size`. None: 4 × hidden_size, as in the paper's
            largest networks.
        bias: whether b_ih and b_hh exist.
    """

    gate_names = ("i", "f", "g", "o", "tanh c")
    state_names = ("h", "c")
    gates = 4
    steps_of_a_run = ProjectedSteps
    weight_names = (*GatedCell.weight_names, "weight_hr")

    def __init__(
        self, input_size: int, hidden_size: int, cell_size: int | None = None, bias: bool = True
    ) -> None:
        self._asked_cell_size = cell_size
        super().__init__(input_size, hidden_size, bias)

    def _add_weights(self, units: int) -> None:
        self.cell_size = 4 * units if self._asked_cell_size is None else self._asked_cell_size
        if not isinstance(self.cell_size, int) or self.cell_size <= units:
            raise InputError(
                f"ProjectedLSTM: cell_size must be an integer above hidden_size={units}, found "
                f"{self.cell_size!r}. Use LSTM for a cell without a projection."
            )
        super()._add_weights(self.cell_size)
        self.weight_hr = nn.Parameter(torch.empty(units, self.cell_size))

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """h is the output; c is larger."""
        return self.hidden_size, self.cell_size

    def recur(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """projected = W_ih x + b_ih + b_hh (batch, 4 cell); state (h, c)."""
        h, c = state
        i, f, g, o = self.with_past(projected, h).chunk(4, dim=-1)
        i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
        c = torch.addcmul(f * c, i, g)
        h = F.linear(o * torch.tanh(c), self.weight_hr)
        return h, (h, c)

    def _torch_mode(self) -> str:
        return "LSTM"

    @classmethod
    def hidden_size_in_torch(cls, module: nn.RNNBase) -> int:
        """torch calls the output's features proj_size."""
        if not module.proj_size:
            raise InputError(f"{type(module).__name__} has no projection (proj_size=0): convert it to LSTM.")
        return module.proj_size

    @classmethod
    def options_from_torch(cls, module: nn.RNNBase) -> dict[str, Any]:
        """torch calls the features of c hidden_size."""
        return {"bias": module.bias, "cell_size": module.hidden_size}

    def onnx_operator(self) -> None:
        """ONNX's LSTM has no projection."""
        return None

    def _kernel_operator(self) -> OnnxOperator:
        bias = None
        if self.bias_ih is not None and self.bias_hh is not None:
            bias = torch.cat([self.bias_ih, self.bias_hh])
        return own_operator(
            "ProjectedLSTM",
            self.weight_ih,
            R=self.weight_hh,
            B=bias,
            V=self.weight_hr,
            attributes={"cell_size": self.cell_size},
        )

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.step, self.numpy_parameters())
