"""States and gates of recurrent layers over time, by the equations of their cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from edgernn.cells import Cell, State
from edgernn.cells.linear import MixingCell
from edgernn.layers import Recurrent

_SQUASH = {torch.sigmoid, torch.tanh, torch.relu, Tensor.sigmoid, Tensor.tanh, Tensor.relu}


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """One layer and direction.

    Attributes:
        name: of the layer in the network, e.g. "recurrent-1-backward".
        series: (time, units) by name: the states first, then the gates.
        states: how many of them are states.
    """

    name: str
    series: dict[str, np.ndarray]
    states: int


class _Squashed(TorchFunctionMode):
    """Notes what sigmoids, tanhs and relus give while the block runs."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in _SQUASH:
            self.found.append(result)
        return result


def gates(cell: Cell, x: Tensor, state: State) -> dict[str, Tensor]:
    """What decides on a step: gates and candidates by name, (batch, units) each.

    They are what the cell's own equations put through a sigmoid or the like, named by `Cell.gate_names`, or
    numbered where the cell names none. What is a state or the output itself is left out.

    Args:
        cell: the cell.
        x: (batch, input_size).
        state: before the step.
    """
    output, new = cell.step(x, state)
    named: dict[str, Tensor] = {}
    with _Squashed() as seen:
        if isinstance(cell, MixingCell):
            blocks = cell.split(cell.project(x))
            named = dict(zip(("f", "n"), cell.mixture(blocks), strict=True))
            seen.found.clear()
            cell.emit(blocks, new[0])
        else:
            cell.step(x, state)
    units = new[-1].shape[-1]
    parts = [
        part
        for value in seen.found
        if value.dim() == 2 and len(value) == len(x) and value.shape[1] % units == 0
        for part in value.split(units, dim=-1)
        if not any(torch.equal(part, known) for known in (output, *new))
    ]
    names = cell.gate_names
    if len(names) != len(parts):
        names = tuple(f"gate {number}" for number in range(1, len(parts) + 1))
    return named | dict(zip(names, parts, strict=True))


@torch.no_grad()
def trace(model: nn.Module, inputs: Tensor) -> list[LayerTrace]:
    """States and gates of every `Recurrent` of a network, for one input.

    Args:
        model: in evaluation mode.
        inputs: its input, with a batch of 1.
    """
    calls: list[tuple[str, Recurrent, tuple[Any, ...], dict[str, Any]]] = []
    handles = [
        module.register_forward_pre_hook(_noting(calls, name), with_kwargs=True)
        for name, module in model.named_modules()
        if isinstance(module, Recurrent)
    ]
    try:
        model(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return [layer for call in calls for layer in _layers(*call)]


def _noting(calls: list[Any], name: str) -> Any:
    def note(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        calls.append((name, module, args, kwargs))

    return note


def _layers(
    name: str, recurrent: Recurrent, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[LayerTrace]:
    """Every layer and direction of one call."""
    given = dict(zip(("x", "state", "lengths"), args, strict=False)) | kwargs
    y, state, lengths = given["x"], given.get("state"), given.get("lengths")
    y = y.transpose(0, 1) if recurrent.batch_first else y
    if lengths is not None:
        y = y[: int(lengths[0])]
    if state is None:
        state = recurrent.initial_state(1)
    elif isinstance(state, Tensor):
        state = (state,)
    for index in range(recurrent.num_layers):
        outputs = []
        for direction, cell in enumerate(recurrent.layer(index)):
            place = index * recurrent.directions + direction
            series, output = _direction(cell, y, tuple(part[place] for part in state), direction == 1)
            outputs.append(output)
            way = ("-forward", "-backward")[direction] if recurrent.directions > 1 else ""
            layer = f"-{index}" if recurrent.num_layers > 1 else ""
            whole = name.replace(".", "-") or "recurrent"
            yield LayerTrace(f"{whole}{layer}{way}", series, len(cell.state_names))
        y = torch.cat(outputs, dim=-1)


def _direction(
    cell: Cell, x_TBF: Tensor, state: State, backward: bool
) -> tuple[dict[str, np.ndarray], Tensor]:
    """One cell over time: its states and gates, and its outputs, at their input's position."""
    steps = range(len(x_TBF))
    found: dict[str, list[Tensor]] = {}
    outputs: list[Tensor] = []
    for step in reversed(steps) if backward else steps:
        deciding = gates(cell, x_TBF[step], state)
        output, state = cell.step(x_TBF[step], state)
        outputs.append(output)
        for name, value in (*zip(cell.state_names, state, strict=True), *deciding.items()):
            found.setdefault(name, []).append(value[0])
    order = -1 if backward else 1
    series = {name: torch.stack(values[::order]).numpy() for name, values in found.items()}
    return series, torch.stack(outputs[::order])
