"""The simple recurrent network of Elman (1990), "Finding structure in time".

h_t = σ(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)        σ: tanh, relu or sigmoid
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.cells.base import ReferenceStep, State
from edgernn.cells.gated import GatedCell
from edgernn.errors import InputError
from edgernn.reference import rnn as reference

_ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}


class RNN(GatedCell):
    """Elman cell with tanh (as nn.RNN), relu or sigmoid.

    Args:
        input_size: features of x.
        hidden_size: features of h.
        activation: "tanh", "relu" or "sigmoid".
        bias: whether b_ih and b_hh exist.
    """

    onnx_op_type = "RNN"

    def __init__(
        self, input_size: int, hidden_size: int, activation: str = "tanh", bias: bool = True
    ) -> None:
        if activation not in _ACTIVATIONS:
            raise InputError(f"RNN: activation must be one of {sorted(_ACTIVATIONS)}, found {activation!r}.")
        super().__init__(input_size, hidden_size, bias)
        self.activation = activation

    def recur(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """projected = W_ih x + b_ih (batch, hidden); state (h,)."""
        (h,) = state
        h = _ACTIVATIONS[self.activation](projected + F.linear(h, self.weight_hh, self.bias_hh))
        return h, (h,)

    def _torch_mode(self) -> str | None:
        return {"tanh": "RNN_TANH", "relu": "RNN_RELU"}.get(self.activation)

    @classmethod
    def options_from_torch(cls, module: nn.RNNBase) -> dict[str, Any]:
        """nn.RNN keeps its activation in `nonlinearity`."""
        return {"bias": module.bias, "activation": getattr(module, "nonlinearity", "tanh")}

    def onnx_activations(self) -> tuple[str, ...]:
        """Tanh, Relu or Sigmoid."""
        return (self.activation.capitalize(),)

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.step, self.numpy_parameters(), activation=self.activation)
