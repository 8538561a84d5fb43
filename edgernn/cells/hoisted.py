"""What gated cells share whose biases and past are only added to their projected input.

a = W_ih x + b_ih + b_hh + W_hh h: all but the last term is there for all steps before the first one runs.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from edgernn.cells.backpropagated import (
    BackpropagatedCell,
    Kept,
    Slopes,
    Trace,
    outer_product,
    sigmoid_slope,
    tanh_slope,
)
from edgernn.cells.base import State
from edgernn.cells.gated import GatedCell


class HoistedCell(BackpropagatedCell[Kept], GatedCell):
    """A gated cell that projects both biases with the input, and that brings its own gradient."""

    def project(self, x: Tensor) -> Tensor:
        """W_ih x + b_ih + b_hh: (..., input_size) → (..., gates × units)."""
        bias = None if self.bias_ih is None or self.bias_hh is None else self.bias_ih + self.bias_hh
        return F.linear(x, self.weight_ih, bias)

    def with_past(self, projected: Tensor, h: Tensor) -> Tensor:
        """projected + W_hh h, (batch, gates × units)."""
        return projected + F.linear(h, self.weight_hh)

    def weight_gradients(self, trace: Trace[Kept]) -> dict[str, Tensor]:
        """That of W_hh."""
        return {"weight_hh": outer_product(trace.dprojected, trace.before[0])}


def lstm_slopes(i: Tensor, f: Tensor, g: Tensor, o: Tensor, tanh_c: Tensor, c_before: Tensor) -> Slopes:
    """The derivatives of c' = f c + i g and h = o tanh(c'), all (time, batch, units).

    Returns:
        Of h by c'; of c' by the arguments of i, f and g, and of h by that of o, side by side; of c' by c.
    """
    parts = g * sigmoid_slope(i), c_before * sigmoid_slope(f), i * tanh_slope(g), tanh_c * sigmoid_slope(o)
    return o * tanh_slope(tanh_c), torch.cat(parts, dim=-1), f


def lstm_retreat(slopes: Slopes, dstate: State, weight_hh: Tensor) -> tuple[Tensor, State, State]:
    """Back through one step with the slopes of an LSTM, o being the last gate."""
    to_c, by_arguments, carried = slopes
    dh, dc = dstate
    dc = torch.addcmul(dc, dh, to_c)
    gates = by_arguments.shape[-1] // dc.shape[-1]
    da = torch.cat([dc] * (gates - 1) + [dh], dim=-1) * by_arguments
    return da, (da @ weight_hh, dc * carried), ()
