"""The cells beyond RNN, LSTM and GRU, found by looking: one that is added is tested by what tests these."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from edgernn.cells import GRU, LSTM, RNN, Cell, find_cells
from edgernn.sequence import run_direction

LIBRARY = {name: kind for name, kind in sorted(find_cells().items()) if kind not in (GRU, LSTM, RNN)}

# What options that are not booleans may be beside their defaults.
_OTHERS: dict[tuple[str, str], tuple[Any, ...]] = {
    ("IndRNN", "activation"): ("tanh",),
    ("SRU", "activation"): ("tanh",),
    ("FastGRNN", "input_rank"): (1,),
    ("FastGRNN", "recurrent_rank"): (1,),
    ("ProjectedLSTM", "cell_size"): (9,),
}


@dataclass(frozen=True)
class Choice:
    """A cell, with one option that is not the default."""

    kind: type[Cell]
    options: dict[str, Any] = field(default_factory=dict)

    def make(self, input_size: int = 3, hidden_size: int = 4) -> Cell:
        """The cell with weights of which none is at the zero or one that it starts from."""
        cell = self.kind(input_size, hidden_size, **self.options)
        with torch.no_grad():
            for parameter in cell.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
        return cell

    def __str__(self) -> str:
        return "-".join([self.kind.__name__, *(f"{name}={value}" for name, value in self.options.items())])


def _choices(kind: type[Cell]) -> list[Choice]:
    found = [Choice(kind)]
    for name, parameter in inspect.signature(kind.__init__).parameters.items():
        default = parameter.default
        others = (not default,) if isinstance(default, bool) else _OTHERS.get((kind.__name__, name), ())
        found += [Choice(kind, {name: other}) for other in others]
    return found


CHOICES = [choice for kind in LIBRARY.values() for choice in _choices(kind)]


def gradients(
    cell: Cell, x: Tensor, state: tuple[Tensor, ...], lengths: Tensor | None = None, reverse: bool = False
) -> tuple[list[Tensor], list[Tensor]]:
    """Outputs and final states, and the gradients of x, the states and all weights of a sum of them."""
    x, state = x.clone().requires_grad_(), tuple(part.clone().requires_grad_() for part in state)
    y, final = run_direction(cell, x, state, lengths, reverse)
    random = torch.Generator().manual_seed(1)
    loss = sum(
        (part * torch.randn(part.shape, generator=random, dtype=part.dtype)).sum() for part in (y, *final)
    )
    found = torch.autograd.grad(loss, [x, *state, *cell.parameters()])
    return [y, *final], list(found)
