"""What stands in the place of nn.LSTMCell, nn.GRUCell and nn.RNNCell while a module is traced."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from edgernn.capture.loops import following
from edgernn.capture.opaque import Layer, call_recurrence
from edgernn.cells import GRU, LSTM, RNN, State
from edgernn.cells.gated import GatedCell
from edgernn.errors import InputError

_CELLS: dict[type[nn.RNNCellBase], type[GatedCell]] = {
    nn.RNNCell: RNN, nn.LSTMCell: LSTM, nn.GRUCell: GRU,
}  # fmt: skip


def cell_from_torch(module: nn.RNNCellBase) -> GatedCell | None:
    """The cell with the equations and weights of one of torch's; None for a subclass with its own forward."""
    for base, kind in _CELLS.items():
        if type(module).forward is base.forward:
            options = kind.options_from_torch(module)  # type: ignore[arg-type]
            cell = kind(module.input_size, module.hidden_size, **options).to(module.weight_ih.dtype)
            with torch.no_grad():
                for name, parameter in cell.named_parameters():
                    parameter.copy_(getattr(module, name))
            return cell
    return None


class CellStandIn(nn.Module):
    """One step of a recurrent layer, or, in a loop over time that is followed, its part of a whole run."""

    def __init__(self, original: nn.RNNCellBase, layer: Layer) -> None:
        super().__init__()
        self.layer = layer
        self.cells = nn.ModuleList(layer.cells)
        self.input_size, self.hidden_size = original.input_size, original.hidden_size
        self.bias = original.bias

    def forward(self, input: Tensor, hx: Any = None) -> Any:
        """As torch's cell: x (B, F) or (F,) and the state before → the state after."""
        single = len(self.layer.cells[0].state_names) == 1
        state: State | None = None if hx is None else ((hx,) if single else tuple(hx))
        rows = list(input.shape[:-1])
        if len(rows) > 1 or input.shape[-1] != self.input_size:
            raise InputError(f"expected {self.input_size} features, found shape {list(input.shape)}.")
        for part in state or ():
            if list(part.shape) != [*rows, self.hidden_size]:
                raise InputError(
                    f"expected a state of shape {[*rows, self.hidden_size]}, found {list(part.shape)}."
                )
        loops = following()
        new = None if loops is None else loops.runs.advance(self.layer, input, state)
        if new is None:
            new = self._step(input, state)
        return new[0] if single else new

    def _step(self, input: Tensor, state: State | None) -> State:
        x = input if input.dim() == 2 else input.unsqueeze(0)
        given = tuple(part.reshape(1, -1, self.hidden_size) for part in state or ())
        _, finals = call_recurrence(self.layer, x.unsqueeze(0), given, None)
        return tuple(part.squeeze(0) if input.dim() == 2 else part.flatten() for part in finals)
