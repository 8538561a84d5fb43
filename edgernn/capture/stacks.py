"""What stands in the place of a recurrent module while it is traced: its layers as opaque operators."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from edgernn.capture.opaque import Layer, call_recurrence
from edgernn.capture.padded import PaddedSequence
from edgernn.cells import State
from edgernn.errors import InputError
from edgernn.sequence import initial_states


class RecurrentStack(nn.Module):
    """Stands in for a recurrent module: its layers as calls of the opaque operator."""

    def __init__(self, original: nn.Module, layers: list[Layer]) -> None:
        super().__init__()
        self.layers = layers
        self.cells = nn.ModuleList(cell for layer in layers for cell in layer.cells)
        # A forward may ask the module for its sizes.
        for name, value in vars(original).items():
            if (
                isinstance(value, bool | int | float | str | tuple)
                and not name.startswith("_")
                and name != "training"
            ):
                setattr(self, name, value)

    def run_stack(
        self, x_TBF: Tensor, state: State | None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """x (T, B, F), states (layers × directions, B, size) or None → y and final states, likewise."""
        finals: list[State] = []
        y = x_TBF
        for index, layer in enumerate(self.layers):
            rows = slice(index * layer.directions, (index + 1) * layer.directions)
            own = (
                ()
                if state is None
                else tuple(part if len(self.layers) == 1 else part[rows] for part in state)
            )
            y, final = call_recurrence(layer, y, own, lengths)
            finals.append(final)
        return y, tuple(
            parts[0] if len(parts) == 1 else torch.cat(parts) for parts in zip(*finals, strict=True)
        )

    def flatten_parameters(self) -> None:
        """nn.RNNBase has it, and forwards call it."""


class TorchStack(RecurrentStack):
    """Stands in for nn.RNN, nn.LSTM or nn.GRU."""

    batch_first: bool

    def forward(self, input: Tensor | PaddedSequence, hx: Any = None) -> tuple[Any, Any]:
        """As torch's module: a tensor with or without a batch, or a packed sequence."""
        single = len(self.layers[0].cells[0].state_names) == 1
        state = None if hx is None else ((hx,) if single else tuple(hx))
        self._check_sizes(input, state)
        y: Any
        if isinstance(input, PaddedSequence):
            y_TBF, final = self.run_stack(input.padded, state, input.lengths)
            y = PaddedSequence(y_TBF, input.lengths, is_zero_beyond=True)
        elif input.dim() == 2:
            state = None if state is None else tuple(part.unsqueeze(1) for part in state)
            y, final = self.run_stack(input.unsqueeze(1), state)
            y, final = y.squeeze(1), tuple(part.squeeze(1) for part in final)
        else:
            y, final = self.run_stack(input.transpose(0, 1) if self.batch_first else input, state)
            y = y.transpose(0, 1) if self.batch_first else y
        return y, final[0] if single else final

    def _check_sizes(self, input: Tensor | PaddedSequence, state: State | None) -> None:
        """Raise InputError where torch's module would refuse its input or a state."""
        first = self.layers[0]
        cell, rows = first.cells[0], len(self.layers) * first.directions
        x = input.padded if isinstance(input, PaddedSequence) else input
        if x.dim() not in (2, 3) or x.shape[-1] != cell.input_size:
            raise InputError(f"expected {cell.input_size} features, found an input of shape {list(x.shape)}.")
        time_first = isinstance(input, PaddedSequence) or not self.batch_first
        batch = [] if x.dim() == 2 else [x.shape[1 if time_first else 0]]
        for size, part in zip(cell.state_sizes, state or (), strict=state is not None):
            found, wanted = list(part.shape), [rows, *batch, size]
            if found != wanted:
                raise InputError(f"expected a state of shape {wanted}, found {found}.")


class EdgeStack(RecurrentStack):
    """Stands in for `edgernn.Recurrent`."""

    batch_first: bool

    def initial_state(self, batch: int) -> State:
        """As `Recurrent.initial_state`."""
        layers = [initial_states(layer.cells, batch) for layer in self.layers]
        return tuple(torch.cat(parts) for parts in zip(*layers, strict=True))

    def forward(
        self, x: Tensor, state: State | Tensor | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """As `Recurrent`."""
        state = (state,) if isinstance(state, Tensor) else state
        y, final = self.run_stack(x.transpose(0, 1) if self.batch_first else x, state, lengths)
        return (y.transpose(0, 1) if self.batch_first else y), final


class _KeepsForward:
    """Goes between a user's subclass of nn.LSTM, nn.GRU or nn.RNN and that class: `super().forward` is it."""

    edgernn_stack: TorchStack

    def forward(self, input: Any, hx: Any = None) -> Any:
        """As torch's module."""
        return self.edgernn_stack(input, hx)


def keep_own_forward(module: nn.RNNBase, base: type[nn.RNNBase], stack: TorchStack) -> nn.RNNBase:
    """Leave a subclass with a forward of its own as it is, but for what `super().forward` reaches."""
    kind = type(module)
    between = type(f"Traced{base.__name__}", (_KeepsForward, base), {})
    module.__class__ = type(kind.__name__, (kind, between), {"__module__": kind.__module__})
    module.edgernn_stack = stack
    return module
