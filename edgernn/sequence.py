"""A cell over time, in torch: the plain loop that every other form must equal.

A cell may know a faster way to the same numbers, `Cell.over_time`; the loop is for those that do not.

Shapes: T time, B batch, F features. Everything here is time-major (T, B, F), as ONNX's operators are.
"""

from __future__ import annotations

import torch
from torch import Tensor

from edgernn.cells import Cell, State


def run_direction(
    cell: Cell, x_TBF: Tensor, state: State, lengths: Tensor | None = None, reverse: bool = False
) -> tuple[Tensor, State]:
    """One cell over time, in one direction.

    Args:
        cell: the cell.
        x_TBF: the input.
        state: one tensor (B, size) for each state of the cell.
        lengths: (B,) integers: each row's own number of steps. Beyond it the output is zero and the state
            stays as it was at the row's last step. None: every row has T steps.
        reverse: whether to read from each row's end to its start; outputs stand at their input's position.

    Returns:
        y (T, B, hidden) and the final state.
    """
    steps = x_TBF.shape[0]
    hoisted = cell.hoists_projection
    projected, advance = (cell.project(x_TBF), cell.recur) if hoisted else (x_TBF, cell.step)
    alive_TB1 = None
    if lengths is not None:
        # Reading backwards, a row's padding comes first: there too the state waits unchanged.
        times = torch.arange(steps, device=lengths.device).unsqueeze(-1)
        alive_TB1 = (times < lengths).unsqueeze(-1)
    if hoisted and (at_once := cell.over_time(projected, state, alive_TB1, reverse)) is not None:
        return at_once
    # Together: the gradient of a step that is taken by its index is an array of all steps.
    each = projected.unbind(0)
    outputs: list[Tensor] = [x_TBF] * steps
    for t in reversed(range(steps)) if reverse else range(steps):
        output, new_state = advance(each[t], state)
        if alive_TB1 is not None:
            alive = alive_TB1[t]
            output = torch.where(alive, output, torch.zeros_like(output))
            new_state = tuple(torch.where(alive, new, old) for new, old in zip(new_state, state, strict=True))
        outputs[t] = output
        state = new_state
    return torch.stack(outputs), state


def run_layer(
    cells: tuple[Cell, ...], x_TBF: Tensor, states: State, lengths: Tensor | None = None
) -> tuple[Tensor, State]:
    """One recurrent layer: a cell for each direction, outputs side by side.

    Args:
        cells: the forward cell and, for two directions, the backward cell.
        x_TBF: the input.
        states: one tensor (directions, B, size) for each state of the cell.
        lengths: see `run_direction`.

    Returns:
        y (T, B, directions × hidden) and the final states, shaped as `states`.
    """
    results = [
        run_direction(cell, x_TBF, tuple(state[d] for state in states), lengths, reverse=d == 1)
        for d, cell in enumerate(cells)
    ]
    y = results[0][0] if len(results) == 1 else torch.cat([y for y, _ in results], dim=-1)
    finals = tuple(torch.stack(parts) for parts in zip(*(final for _, final in results), strict=True))
    return y, finals


def initial_states(cells: tuple[Cell, ...], batch: int) -> State:
    """The cells' own initial states, stacked over directions: (directions, batch, size) each."""
    return tuple(
        torch.stack(parts) for parts in zip(*(cell.initial_state(batch) for cell in cells), strict=True)
    )
