"""A step of every cell against the float64 reference, against torch's own cells, and against itself."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgernn.cells import Cell, find_cells

from .checks import assert_a_step_is_the_reference_step, random_states
from .tolerances import DOUBLE
from .variants import VARIANTS, Variant

SIZES = st.integers(1, 6)


def test_the_cells_are_found_by_their_files() -> None:
    assert {"GRU", "LSTM", "RNN"} <= set(find_cells())
    assert "Cell" not in find_cells()
    assert "GatedCell" not in find_cells()


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@settings(max_examples=10)
@given(inputs=SIZES, hidden=SIZES, batch=SIZES, seed=st.integers(0, 1000))
def test_a_step_is_the_reference_step(
    variant: Variant, inputs: int, hidden: int, batch: int, seed: int
) -> None:
    torch.manual_seed(seed)
    cell = variant.make(inputs, hidden).double()
    assert_a_step_is_the_reference_step(cell, batch)


TORCH_CELLS = [
    ("RNN", {"activation": "tanh"}, nn.RNNCell, {"nonlinearity": "tanh"}),
    ("RNN", {"activation": "relu"}, nn.RNNCell, {"nonlinearity": "relu"}),
    ("LSTM", {}, nn.LSTMCell, {}),
    ("GRU", {"reset_after": True}, nn.GRUCell, {}),
]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("name", "options", "torch_kind", "torch_options"), TORCH_CELLS)
def test_a_step_is_that_of_the_torch_cell(
    name: str, options: dict, torch_kind: type[nn.RNNCellBase], torch_options: dict, bias: bool
) -> None:
    cell = find_cells()[name](3, 4, bias=bias, **options).double()
    theirs = torch_kind(3, 4, bias=bias, dtype=torch.float64, **torch_options)
    theirs.load_state_dict(cell.state_dict())
    x, state = torch.randn(5, 3, dtype=torch.float64), random_states(cell, 5)
    _, new = cell.step(x, state)
    expected = theirs(x, state if len(state) > 1 else state[0])
    torch.testing.assert_close(new, expected if isinstance(expected, tuple) else (expected,), **DOUBLE)


def test_reset_before_is_the_equation_of_the_paper() -> None:
    """Cho et al. (2014), equations 5 to 8, with their biases left in."""
    cell = find_cells()["GRU"](2, 3, reset_after=False).double()
    x, (h,) = torch.randn(4, 2, dtype=torch.float64), random_states(cell, 4)
    w_r, w_z, w_n = cell.weight_ih.chunk(3)
    u_r, u_z, u_n = cell.weight_hh.chunk(3)
    b_r, b_z, b_n = (cell.bias_ih + cell.bias_hh).chunk(3)
    r = torch.sigmoid(x @ w_r.T + h @ u_r.T + b_r)
    z = torch.sigmoid(x @ w_z.T + h @ u_z.T + b_z)
    n = torch.tanh(x @ w_n.T + (r * h) @ u_n.T + b_n)
    output, _ = cell.step(x, (h,))
    torch.testing.assert_close(output, (1 - z) * n + z * h, **DOUBLE)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_a_step_is_its_projection_and_the_rest(variant: Variant) -> None:
    """All steps' projections at once are each step's projection."""
    cell = variant.make().double()
    x, state = torch.randn(6, 5, 3, dtype=torch.float64), random_states(cell, 5)
    assert cell.hoists_projection
    projected = cell.project(x)
    for t in range(6):
        torch.testing.assert_close(cell.recur(projected[t], state), cell.step(x[t], state), **DOUBLE)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_gradients_are_those_of_finite_differences(variant: Variant) -> None:
    cell = variant.make(2, 3).double()
    x, state = torch.randn(2, 2, dtype=torch.float64), random_states(cell, 2)
    inputs = [tensor.requires_grad_() for tensor in (x, *state)]
    assert torch.autograd.gradcheck(lambda x, *state: cell.step(x, state)[1], inputs)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_the_initial_state_is_zero_in_the_dtype_of_the_weights(variant: Variant) -> None:
    for dtype in (torch.float32, torch.float64):
        state = variant.make(3, 4).to(dtype).initial_state(5)
        assert len(state) == len(variant.kind.state_names)
        for part in state:
            assert part.shape == (5, 4)
            assert part.dtype == dtype
            assert not part.any()


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_weights_start_as_in_torch(variant: Variant) -> None:
    cell = variant.make(30, 100)
    for parameter in cell.parameters():
        assert parameter.abs().max() <= 0.1
        assert parameter.abs().max() > 0.095
        assert abs(parameter.mean()) < 0.02


class Minimal(Cell):
    """A cell without weights that writes `step` alone."""

    state_names = ("sum", "last")

    def __init__(self, input_size: int) -> None:
        super().__init__(input_size, input_size)

    def step(self, x, state):
        total, _ = state
        return total + x, (total + x, x)


def test_a_cell_may_write_step_alone() -> None:
    cell = Minimal(2)
    x = torch.randn(3, 2)
    assert not cell.hoists_projection
    assert cell.project(x) is x
    output, (total, last) = cell.recur(x, cell.initial_state(3))
    assert torch.equal(output, x)
    assert torch.equal(total, x)
    assert torch.equal(last, x)
    assert cell.onnx_operator() is None
    assert cell.reference_step() is None
