"""Inputs to compare forms on: of any sizes, drawn as the manifest and an example say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgernn.manifest import Manifest, StateSpec, TensorSpec
from edgernn.runtime.random_inputs import draw_input


class InputMaker:
    """Draws inputs for a file.

    Args:
        manifest: the file's.
        examples: arrays of any sizes, one an input, whose values are drawn from; None draws standard normal
            numbers, and integers between the manifest's minimum and maximum.
        seed: of the random numbers.
        in_order: whether examples are taken in stretches, each value behind the one that it follows: for
            files whose error depends on what is usual, as that of quantized ones does. Otherwise values are
            drawn one by one, and integers from their whole range, which meets more of a network.

    Attributes:
        longest_first: whether lengths of rows are drawn in descending order, which a module that packs with
            `enforce_sorted=True` asks for.
        extremes: the least and the largest value of each input so far.
    """

    def __init__(
        self,
        manifest: Manifest,
        examples: Sequence[np.ndarray] | None = None,
        seed: int = 0,
        in_order: bool = False,
    ) -> None:
        self.manifest = manifest
        self.examples = examples
        self.in_order = in_order
        self.random = np.random.default_rng(seed)
        self.longest_first = False
        self.extremes: dict[str, tuple[float, float]] = {}

    @property
    def example_steps(self) -> int | None:
        """Time steps of the example; None where there is none, or no time."""
        for spec, example in zip(self.manifest.inputs, self.examples or (), strict=False):
            if spec.time_dim is not None:
                return int(example.shape[spec.time_dim])
        return None

    def inputs(self, batch: int, steps: int) -> list[np.ndarray]:
        """One array for each input of the graph."""
        arrays = [self._draw(spec, index, batch, steps) for index, spec in enumerate(self.manifest.inputs)]
        for spec, array in zip(self.manifest.inputs, arrays, strict=True):
            if array.size:
                low, high = self.extremes.get(spec.name, (np.inf, -np.inf))
                self.extremes[spec.name] = min(low, float(array.min())), max(high, float(array.max()))
        return arrays

    def states(self, batch: int) -> dict[str, np.ndarray]:
        """Random states in (-1, 1), where the states of gated cells live."""
        return {
            state.input: self.random.uniform(-1, 1, _state_shape(state, batch)).astype(state.dtype)
            for state in self.manifest.states
        }

    def _draw(self, spec: TensorSpec, index: int, batch: int, steps: int) -> np.ndarray:
        values = None if self.examples is None else self.examples[index]
        if self.in_order and values is not None:
            found = _stretches(spec, values, batch, steps, self.random)
            if found is not None:
                return found
        drawn = draw_input(spec, batch, steps, self.random, values)
        lengths = drawn.dtype.kind in "iu" and spec.dims == ("batch",)
        return np.sort(drawn)[::-1].copy() if self.longest_first and lengths else drawn


def _stretches(
    spec: TensorSpec, values: np.ndarray, batch: int, steps: int, random: np.random.Generator
) -> np.ndarray | None:
    """Stretches of an example, from its start again where it ends; None where it has no batch and time.

    Each row is a row of the example, from a random step on.
    """
    time, rows = spec.time_dim, spec.batch_dim
    if time is None or rows is None or values.ndim != len(spec.dims) or not values.size:
        return None
    fixed = [axis for axis in range(values.ndim) if axis not in (time, rows)]
    if any(isinstance(spec.dims[axis], int) and spec.dims[axis] != values.shape[axis] for axis in fixed):
        return None
    size = spec.dims[rows]
    count = size if isinstance(size, int) else batch
    moved = np.moveaxis(values, (rows, time), (0, 1))
    starts = random.integers(0, moved.shape[1], count)
    picked = [
        moved[row, (start + np.arange(steps)) % moved.shape[1]]
        for row, start in zip(random.integers(0, len(moved), count), starts, strict=True)
    ]
    return np.ascontiguousarray(np.moveaxis(np.stack(picked), (0, 1), (rows, time)).astype(spec.dtype))


def _state_shape(state: StateSpec, batch: int) -> tuple[int, ...]:
    return tuple(dim if isinstance(dim, int) else batch for dim in state.dims)
