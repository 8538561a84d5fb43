"""A step over time: forward, and back-propagation through time (Werbos, 1990).

The loop is the same for every cell, so it stands here once. A cell brings only its step and the gradients of
one step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError
from edgernn.reference.arrays import Array, Gradients, State, as_array, as_state

Step: TypeAlias = Callable[[Array, State], tuple[Array, State]]
Record = TypeVar("Record")


@dataclass(frozen=True)
class Cache(Generic[Record]):
    """What a backward pass needs of the forward pass.

    Attributes:
        records: one entry a time step, as the cell's step left it.
        y_shape: (batch, time, hidden) of the output.
        state_shapes: the shape of each state.
    """

    records: tuple[Record, ...]
    y_shape: tuple[int, ...]
    state_shapes: tuple[tuple[int, ...], ...]


def run(
    step: Step,
    x: npt.ArrayLike,
    state: State,
    lengths: npt.ArrayLike | None = None,
    reverse: bool = False,
) -> tuple[Array, State]:
    """Apply a step at every time.

    Args:
        step: takes x (batch, input) and the state, gives the output (batch, hidden) and the next state.
        x: (batch, time, input).
        state: the state before the first step; every array has the batch first.
        lengths: (batch,) integers, the valid time steps of each row; all of them where it is None. Beyond its
            length a row's x is not looked at, its y is zero and its state stands still.
        reverse: read each row from its own end to its start. y stands at the positions of x either way.

    Returns:
        y (batch, time, hidden), and the state after each row's last step (with `reverse`, after its first
        position). This is what one direction of a PyTorch layer gives for a packed sequence.

    Raises:
        InputError: x is not (batch, time, input) or has no time step, or lengths do not fit it.
    """
    x = as_array("x", x, ("batch", "time", "input"))
    batch, time, _ = x.shape
    if time == 0:
        raise InputError("x: 0 time steps, at least 1 is needed.")
    valid = _valid_steps(lengths, batch, time)
    x = np.where(valid[:, :, None], x, 0.0)  # whatever the padding holds, NaN too, never meets a weight
    outputs: dict[int, Array] = {}
    for t in reversed(range(time)) if reverse else range(time):
        output, following = step(x[:, t], state)
        outputs[t] = _choose(valid[:, t], output, np.zeros_like(output))
        state = tuple(_choose(valid[:, t], new, old) for new, old in zip(following, state, strict=True))
    return np.stack([outputs[t] for t in range(time)], axis=1), state


def record(
    step: Callable[[Array, State], tuple[Array, State, Record]], x: npt.ArrayLike, state: State
) -> tuple[Array, State, Cache[Record]]:
    """`run`, for a step that also gives a record of itself; the records are kept for `backpropagate`."""
    records: list[Record] = []

    def recorded(x_t: Array, state: State) -> tuple[Array, State]:
        output, state, kept = step(x_t, state)
        records.append(kept)
        return output, state

    y, state = run(recorded, x, state)
    return y, state, Cache(tuple(records), y.shape, tuple(array.shape for array in state))


def backpropagate(
    step_backward: Callable[[Record, Array, State], Gradients],
    cache: Cache[Record],
    dy: npt.ArrayLike,
    dstate: State | None = None,
) -> Gradients:
    """Back-propagation through time: the steps' gradients, last step first.

    The state that a step leaves is used by the next one, so the gradient that the next one found for it comes
    in here: this is the recurrent term. The parameters are the same at all times, so their gradients add up.

    Args:
        step_backward: takes a step's record, the gradient of its output and that of the state it left; gives
            the gradients of its parameters, its x and the state it was given.
        cache: from `record`.
        dy: gradient of every output, (batch, time, hidden).
        dstate: gradient that arrives at the final state, beside what comes through y; zero where None.

    Raises:
        InputError: dy or dstate does not have the shape of y or the state.
    """
    dy = as_array("dy", dy, cache.y_shape)
    if dstate is None:
        dstate = tuple(np.zeros(shape) for shape in cache.state_shapes)
    dstate = as_state("dstate", dstate, cache.state_shapes)
    total: dict[str, Array] = {}
    dx: list[Array] = []
    for t in reversed(range(len(cache.records))):
        found = step_backward(cache.records[t], dy[:, t], dstate)
        total = {name: total.get(name, 0.0) + gradient for name, gradient in found.parameters.items()}
        dx.append(found.x)
        dstate = found.state
    return Gradients(total, np.stack(dx[::-1], axis=1), dstate)


def _valid_steps(lengths: npt.ArrayLike | None, batch: int, time: int) -> npt.NDArray[np.bool_]:
    """(batch, time): True where a step is within its row's length."""
    if lengths is None:
        return np.ones((batch, time), dtype=np.bool_)
    counts = np.asarray(lengths)
    if counts.shape != (batch,) or counts.dtype.kind not in "iu" or np.any((counts < 0) | (counts > time)):
        raise InputError(
            f"lengths: found {np.array2string(counts, threshold=8)}, "
            f"expected {batch} integers from 0 to {time}, one a row of x."
        )
    valid: npt.NDArray[np.bool_] = np.arange(time) < counts[:, None]
    return valid


def _choose(rows: npt.NDArray[np.bool_], chosen: Array, other: Array) -> Array:
    """`chosen` in the rows that are True, `other` elsewhere."""
    return np.where(rows.reshape(-1, *[1] * (chosen.ndim - 1)), chosen, other)
