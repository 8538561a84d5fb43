"""LSTM with a recurrent projection, Sak et al. (2014), "Long short-term memory based recurrent neural network
architectures for large vocabulary speech recognition".

i, f, g, o = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh     (gates in torch's order)
c_t = σ(f) ⊙ c_{t-1} + σ(i) ⊙ tanh(g)
h_t = W_hr (σ(o) ⊙ tanh(c_t))
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.cells.backpropagated import Trace, outer_product
from edgernn.cells.base import ReferenceStep, State
from edgernn.cells.gated import GatedCell
from edgernn.cells.hoisted import HoistedCell, lstm_retreat, lstm_slopes
from edgernn.errors import InputError
from edgernn.reference import projected_lstm as reference


class Record(NamedTuple):
    """What a step leaves for its gradient, (batch, cell) each."""

    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor
    tanh_c: Tensor


class ProjectedLSTM(HoistedCell[Record]):
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

    state_names = ("h", "c")
    gates = 4
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

    def advance(self, projected: Tensor, state: State) -> tuple[State, Record]:
        """projected = W_ih x + b_ih + b_hh (batch, 4 cell); state (h, c)."""
        h, c = state
        i, f, g, o = self.with_past(projected, h).chunk(4, dim=-1)
        i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
        c = torch.addcmul(f * c, i, g)
        tanh_c = torch.tanh(c)
        h = F.linear(o * tanh_c, self.weight_hr)
        return (h, c), Record(i, f, g, o, tanh_c)

    def slopes(self, kept: Record, before: State) -> tuple[Tensor, ...]:
        """Those of an LSTM, with W_hr h in the place of h."""
        return lstm_slopes(*kept, before[1])

    def retreat(self, slopes: tuple[Tensor, ...], dstate: State) -> tuple[Tensor, State, State]:
        """Back through one step; `weight_gradients` sees the gradient of h."""
        dh, dc = dstate
        da, dstate, _ = lstm_retreat(slopes, (dh @ self.weight_hr, dc), self.weight_hh)
        return da, dstate, (dh,)

    def weight_gradients(self, trace: Trace[Record]) -> dict[str, Tensor]:
        """W_hh and W_hr."""
        dweight_hr = outer_product(trace.seen[0], trace.kept.o * trace.kept.tanh_c)
        return {**super().weight_gradients(trace), "weight_hr": dweight_hr}

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

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.step, self.numpy_parameters())
