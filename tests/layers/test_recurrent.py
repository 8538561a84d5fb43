"""Recurrent against torch's own layers: outputs, final states and gradients, however it is called."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from edgernn import LSTM, Recurrent
from tests.cells.tolerances import DOUBLE
from tests.cells.variants import IN_TORCH, VARIANTS, Variant

# Layers, and whether they read in both directions.
SHAPES = [(layers, both) for layers in (1, 3) for both in (False, True)]


def pair(variant: Variant, layers: int, both: bool, batch_first: bool = True) -> tuple[Recurrent, nn.RNNBase]:
    """Recurrent and torch's layer with the same weights, in float64."""
    ours = Recurrent(variant.make(), layers, bidirectional=both, batch_first=batch_first).double()
    theirs = variant.torch_module(
        3, 4, num_layers=layers, bidirectional=both, batch_first=batch_first, dtype=torch.float64
    )
    assert theirs is not None
    for layer in range(layers):
        for direction, cell in enumerate(ours.layer(layer)):
            cell.copy_to_torch(theirs, layer, bool(direction))
    return ours, theirs


def stepped(recurrent: Recurrent) -> Recurrent:
    """The same layer, on the path that cells without a fused kernel of torch take."""
    recurrent._fuses = lambda: False
    return recurrent


def states(recurrent: Recurrent, batch: int) -> tuple[Tensor, ...]:
    return tuple(torch.rand_like(part) * 2 - 1 for part in recurrent.initial_state(batch))


def as_torch(state: tuple[Tensor, ...] | None) -> Any:
    return state[0] if state is not None and len(state) == 1 else state


def as_tuple(state: Any) -> tuple[Tensor, ...]:
    return state if isinstance(state, tuple) else (state,)


def random_input(batch_first: bool, batch: int, steps: int) -> Tensor:
    shape = (batch, steps, 3) if batch_first else (steps, batch, 3)
    return torch.randn(shape, dtype=torch.float64)


@pytest.mark.parametrize("path", ["fused", "stepped"])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize(("layers", "both"), SHAPES)
@pytest.mark.parametrize("variant", IN_TORCH, ids=str)
def test_equals_torch(variant: Variant, layers: int, both: bool, batch_first: bool, path: str) -> None:
    ours, theirs = pair(variant, layers, both, batch_first)
    assert ours._fuses()
    if path == "stepped":
        stepped(ours)
    for batch, steps in ((1, 1), (4, 7)):
        x = random_input(batch_first, batch, steps)
        for start in (None, states(ours, batch)):
            y, final = ours(x, start)
            expected, expected_final = theirs(x, as_torch(start))
            torch.testing.assert_close(y, expected, **DOUBLE)
            torch.testing.assert_close(final, as_tuple(expected_final), **DOUBLE)


@pytest.mark.parametrize("path", ["fused", "stepped"])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize(("layers", "both"), SHAPES)
@pytest.mark.parametrize("variant", IN_TORCH, ids=str)
def test_lengths_are_packed_sequences(
    variant: Variant, layers: int, both: bool, batch_first: bool, path: str
) -> None:
    ours, theirs = pair(variant, layers, both, batch_first)
    if path == "stepped":
        stepped(ours)
    x, lengths = random_input(batch_first, 5, 6), torch.tensor([2, 6, 1, 4, 6])
    for start in (None, states(ours, 5)):
        packed = pack_padded_sequence(x, lengths, batch_first=batch_first, enforce_sorted=False)
        packed_y, expected_final = theirs(packed, as_torch(start))
        expected, _ = pad_packed_sequence(packed_y, batch_first=batch_first)
        y, final = ours(x, start, lengths)
        torch.testing.assert_close(y, expected, **DOUBLE)
        torch.testing.assert_close(final, as_tuple(expected_final), **DOUBLE)


@pytest.mark.parametrize("with_lengths", [False, True])
@pytest.mark.parametrize(("layers", "both"), [(1, False), (2, True)])
@pytest.mark.parametrize("variant", IN_TORCH, ids=str)
def test_gradients_of_both_paths_are_those_of_torch(
    variant: Variant, layers: int, both: bool, with_lengths: bool
) -> None:
    ours, theirs = pair(variant, layers, both)
    x, start = random_input(True, 3, 5), states(ours, 3)
    lengths = torch.tensor([5, 1, 3]) if with_lengths else None

    def gradients(run: Any, module: nn.Module) -> list[Tensor]:
        leaves = [tensor.clone().requires_grad_() for tensor in (x, *start)]
        y, final = run(leaves[0], tuple(leaves[1:]))
        # A loss that sees every output and the final states, each with another weight.
        parts = [y, *as_tuple(final)]
        loss = sum((part * torch.arange(part.numel()).view(part.shape).cos()).sum() for part in parts)
        return list(torch.autograd.grad(loss, [*leaves, *module.parameters()]))

    def run_torch(x: Tensor, start: tuple[Tensor, ...]) -> Any:
        if lengths is None:
            return theirs(x, as_torch(start))
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        packed_y, final = theirs(packed, as_torch(start))
        return pad_packed_sequence(packed_y, batch_first=True)[0], final

    expected = gradients(run_torch, theirs)
    fused = gradients(lambda x, start: ours(x, start, lengths), ours)
    by_steps = gradients(lambda x, start: stepped(ours)(x, start, lengths), ours)
    torch.testing.assert_close(fused, expected, **DOUBLE)
    torch.testing.assert_close(by_steps, expected, **DOUBLE)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@settings(max_examples=8)
@given(
    layers=st.integers(1, 3),
    both=st.booleans(),
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    padding=st.integers(0, 3),
    seed=st.integers(0, 1000),
)
def test_a_row_with_a_length_is_that_row_alone(
    variant: Variant, layers: int, both: bool, lengths: list[int], padding: int, seed: int
) -> None:
    """Neither the padding nor the other rows matter to a row, whatever stands there."""
    torch.manual_seed(seed)
    recurrent = Recurrent(variant.make(), layers, bidirectional=both).double()
    batch, steps = len(lengths), max(lengths) + padding
    x, start = random_input(True, batch, steps), states(recurrent, batch)
    y, final = recurrent(x, start, torch.tensor(lengths))
    for row, length in enumerate(lengths):
        own = tuple(part[:, row : row + 1] for part in start)
        expected, expected_final = recurrent(x[row : row + 1, :length], own)
        torch.testing.assert_close(y[row, :length], expected[0], **DOUBLE)
        assert not y[row, length:].any()
        torch.testing.assert_close(
            tuple(part[:, row] for part in final), tuple(part[:, 0] for part in expected_final), **DOUBLE
        )


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_a_sequence_in_two_parts_is_the_whole_one(variant: Variant) -> None:
    recurrent = Recurrent(variant.make(), 2).double()
    x, start = random_input(True, 3, 8), states(recurrent, 3)
    whole, final = recurrent(x, start)
    first, middle = recurrent(x[:, :3], start)
    second, last = recurrent(x[:, 3:], middle)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole, **DOUBLE)
    torch.testing.assert_close(last, final, **DOUBLE)


def test_a_single_state_may_stand_alone() -> None:
    from edgernn import GRU

    recurrent = Recurrent(GRU(3, 4))
    x, h = torch.randn(2, 5, 3), torch.randn(1, 2, 4)
    torch.testing.assert_close(recurrent(x, h), recurrent(x, (h,)), rtol=0, atol=0)


def test_lengths_may_be_of_any_integer_type() -> None:
    recurrent = Recurrent(LSTM(3, 4), bidirectional=True)
    x = torch.randn(2, 5, 3)
    expected = recurrent(x, None, torch.tensor([5, 2]))
    torch.testing.assert_close(recurrent(x, None, torch.tensor([5, 2], dtype=torch.int32)), expected)


def test_every_layer_and_direction_has_weights_of_its_own() -> None:
    cell = LSTM(3, 4)
    recurrent = Recurrent(cell, 2, bidirectional=True)
    assert recurrent.layer(0)[0] is cell
    assert [cell.input_size for cell in recurrent.cells] == [3, 3, 8, 8]
    assert len({id(parameter) for parameter in recurrent.parameters()}) == 4 * 4
    forward, backward = recurrent.layer(0)
    assert not torch.equal(forward.weight_ih, backward.weight_ih)
