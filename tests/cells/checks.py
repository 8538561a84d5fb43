"""What the tests of all cells ask of one."""

from __future__ import annotations

import numpy as np
import torch

from edgernn.cells import Cell

from .tolerances import DOUBLE


def random_states(cell: Cell, *shape: int) -> tuple[torch.Tensor, ...]:
    """States that are not zero, as large as those of gated cells: one tensor (*shape, size) each."""
    dtype = next(cell.parameters()).dtype
    return tuple(torch.rand(*shape, size, dtype=dtype) * 2 - 1 for size in cell.state_sizes)


def assert_a_step_is_the_reference_step(cell: Cell, batch: int) -> None:
    """One step from a random state, against numpy float64; `cell` is in float64."""
    step = cell.reference_step()
    assert step is not None
    x, state = torch.randn(batch, cell.input_size, dtype=torch.float64), random_states(cell, batch)
    output, new = cell.step(x, state)
    expected, expected_new = step(x.numpy(), tuple(part.numpy() for part in state))
    assert len(new) == len(expected_new) == len(cell.state_names)
    for found, wanted in zip((output, *new), (expected, *expected_new), strict=True):
        np.testing.assert_allclose(found.detach().numpy(), wanted, **DOUBLE)
