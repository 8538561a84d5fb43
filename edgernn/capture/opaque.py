"""The recurrence as one opaque torch operator.

Tracing a loop over time freezes its length, and torch's own recurrent modules freeze the batch on the way to
ONNX. So each recurrent layer is traced as one call of `edgernn::recurrence`, which says nothing of how it
computes; `edgernn.graph` writes the ONNX for it, and `edgernn.streaming` gives it states.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, cast
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch import Tensor

from edgernn.cells import Cell, State
from edgernn.errors import InputError
from edgernn.reference.sequence import run as run_reference
from edgernn.sequence import initial_states, run_layer

Backend = Literal["torch", "numpy"]
_backend: ContextVar[Backend] = ContextVar("edgernn_recurrence_backend", default="torch")


@dataclass(frozen=True, eq=False)
class Layer:
    """One recurrent layer: what stands behind one call of the opaque operator.

    Attributes:
        key: its name in the traced graph.
        path: path of the module it belongs to, as in `model.named_modules()`; empty for the model itself.
        index: its number within the module's stack.
        cells: the forward cell and, for two directions, the backward cell.
    """

    key: str
    path: str
    index: int
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        """Readable and unique within a model, e.g. "encoder.lstm.l0"."""
        return f"{self.path}.l{self.index}" if self.path else f"l{self.index}"

    @property
    def directions(self) -> int:
        """1 or 2."""
        return len(self.cells)

    @property
    def output_size(self) -> int:
        """Features of the output: directions × hidden."""
        return self.directions * self.cells[0].hidden_size


# Tracing hands only strings through a graph, so layers are found again by their key. A layer lives as long as
# the prepared module that owns it.
_layers: WeakValueDictionary[str, Layer] = WeakValueDictionary()
_numbers = itertools.count()


def register_layer(path: str, index: int, cells: tuple[Cell, ...]) -> Layer:
    """Make a layer that calls of the opaque operator can name."""
    layer = Layer(f"layer{next(_numbers)}", path, index, cells)
    _layers[layer.key] = layer
    return layer


def find_layer(key: str) -> Layer:
    """The layer of a key."""
    return _layers[key]


@contextmanager
def computed_by(backend: Backend) -> Iterator[None]:
    """Within the block the opaque operator computes by torch's step or by the numpy float64 reference."""
    token = _backend.set(backend)
    try:
        yield
    finally:
        _backend.reset(token)


# The annotations are evaluated by torch, which knows no `X | None` of strings: hence no future types here.
def _recurrence(
    x_TBF: Tensor, lengths: Tensor | None, states: list[Tensor], key: str
) -> list[Tensor]:  # pragma: no cover - replaced below
    layer = find_layer(key)
    state: State = tuple(states) or initial_states(layer.cells, x_TBF.shape[1])
    run = _run_numpy if _backend.get() == "numpy" else run_layer
    y, finals = run(layer.cells, x_TBF, state, lengths)
    # An operator must not return its own inputs.
    return [y.contiguous(), *(final.clone() for final in finals)]


def _fake(x_TBF: Tensor, lengths: Tensor | None, states: list[Tensor], key: str) -> list[Tensor]:
    layer = find_layer(key)
    steps, batch = x_TBF.shape[0], x_TBF.shape[1]
    sizes = layer.cells[0].state_sizes
    return [
        x_TBF.new_empty(steps, batch, layer.output_size),
        *(x_TBF.new_empty(layer.directions, batch, size) for size in sizes),
    ]


recurrence = torch.library.custom_op(
    "edgernn::recurrence",
    _recurrence,
    mutates_args=(),
    schema="(Tensor x, Tensor? lengths, Tensor[] states, str key) -> Tensor[]",
)
recurrence.register_fake(_fake)


def call_recurrence(
    layer: Layer, x_TBF: Tensor, states: State, lengths: Tensor | None
) -> tuple[Tensor, State]:
    """Call the opaque operator: y (T, B, output_size) and the final states (directions, B, size).

    `states` is empty where the layer starts from its cells' own initial states.
    """
    y, *finals = cast(list[Tensor], recurrence(x_TBF, lengths, list(states), layer.key))
    return y, tuple(finals)


def _run_numpy(
    cells: tuple[Cell, ...], x_TBF: Tensor, states: State, lengths: Tensor | None
) -> tuple[Tensor, State]:
    """`run_layer` by the plain numpy float64 reference."""
    x_BTF = x_TBF.transpose(0, 1).double().numpy()
    ends = None if lengths is None else lengths.numpy()
    outputs: list[np.ndarray] = []
    finals: list[tuple[np.ndarray, ...]] = []
    for d, cell in enumerate(cells):
        step = cell.reference_step()
        if step is None:
            raise InputError(f"{type(cell).__name__} has no numpy reference: give it a reference_step().")
        start = tuple(state[d].double().numpy() for state in states)
        y, final = run_reference(step, x_BTF, start, lengths=ends, reverse=d == 1)
        outputs.append(y)
        finals.append(final)
    y_TBF = torch.from_numpy(np.concatenate(outputs, axis=-1)).transpose(0, 1).to(x_TBF.dtype)
    return y_TBF, tuple(
        torch.from_numpy(np.stack(parts)).to(x_TBF.dtype) for parts in zip(*finals, strict=True)
    )
